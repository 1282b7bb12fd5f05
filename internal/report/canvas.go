package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
)

// liveMost bounds how many steps are drawn live: the lines must fit on the screen, since what has scrolled out of it
// cannot be drawn over.
const liveMost = 12

// Control sequences of ECMA-48 and its common extensions. Terminals ignore those that they do not know.
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	beginUpdate = "\x1b[?2026h" // what follows is shown at once
	endUpdate   = "\x1b[?2026l"
	cursorUp    = "\x1b[%dA"
	eraseLine   = "\x1b[K" // from the cursor to the line's end
	eraseBelow  = "\x1b[J" // from the cursor to the screen's end

	red, green, yellow, cyan, faint, normal = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[2m", "\x1b[0m"
)

var spinner = []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

// canvas knows what stands on the last lines of a terminal, and makes the text that turns it into the next frame. A
// frame is drawn over the one before it without clearing it first, so that nothing flickers.
type canvas struct {
	colours bool
	drawn   []int // the columns of each live line on the screen; the cursor is on the line after them
	frames  int
}

// frame returns what to write so that the ends stand above and the live lines below; nothing if there is nothing to do.
func (c *canvas) frame(ends, live []Event, width int, now time.Time) string {
	if len(ends) == 0 && len(live) == 0 && len(c.drawn) == 0 {
		return ""
	}
	var text strings.Builder
	text.WriteString(beginUpdate)
	if len(c.drawn) == 0 && len(live) > 0 {
		text.WriteString(hideCursor)
	}
	if rows := c.rows(width); rows > 0 {
		fmt.Fprintf(&text, "\r"+cursorUp, rows)
	}
	if len(ends) > 0 {
		text.WriteString(eraseBelow) // an end may take several lines
	}
	for _, e := range ends {
		text.WriteString(c.end(e) + "\n")
	}
	had := len(c.drawn)
	c.drawn = c.drawn[:0]
	for i, e := range live {
		if i == liveMost {
			c.line(&text, "", fmt.Sprintf("  and %d more", len(live)-liveMost), width)
			break
		}
		mark := c.paint(cyan, string(spinner[c.frames%len(spinner)]))
		elapsed := now.Sub(e.Time) + e.Elapsed
		c.line(&text, mark, fmt.Sprintf(" %s%6s  %s", column(e.Step), took(elapsed), e.progress()), width)
	}
	text.WriteString(eraseBelow)
	if had > 0 && len(live) == 0 {
		text.WriteString(showCursor)
	}
	text.WriteString(endUpdate)
	c.frames++
	return text.String()
}

// line draws one live line, cut so that the terminal does not break it.
func (c *canvas) line(text *strings.Builder, mark, rest string, width int) {
	columns := 0
	if mark != "" {
		columns = 1
	}
	rest = runewidth.Truncate(rest, max(0, width-1-columns), "…")
	text.WriteString(mark + rest + eraseLine + "\n")
	c.drawn = append(c.drawn, columns+runewidth.StringWidth(rest))
}

// rows returns how many rows the live lines take on a terminal of the given width. One that was made narrower since
// they were drawn has broken them.
func (c *canvas) rows(width int) int {
	rows := 0
	for _, columns := range c.drawn {
		rows += max(1, (columns+width-1)/max(1, width))
	}
	return rows
}

// end is the line that stays of a step.
func (c *canvas) end(e Event) string {
	mark := c.paint(green, "✓")
	switch e.State {
	case Failed:
		mark = c.paint(red, "✗")
	case unfinished:
		mark = c.paint(yellow, "-")
		return mark + " " + column(e.Step) + sentence(e) + " after " + took(e.Elapsed)
	case Unchanged:
		return mark + " " + column(e.Step) + c.paint(faint, sentence(e))
	}
	// What follows a line break is set off by the width of the mark too.
	return mark + " " + column(e.Step) + strings.ReplaceAll(sentence(e), "\n", "\n  ")
}

// progress says what a step under way does.
func (e Event) progress() string {
	if e.State == Started {
		return oneLine(e.Message)
	}
	return sentence(e)
}

func (c *canvas) paint(colour, text string) string {
	if !c.colours {
		return text
	}
	return colour + text + normal
}
