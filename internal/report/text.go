package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// nameWidth is the width of the column with the names of steps, of which longer names stick out.
const nameWidth = 16

// column fills name up to the width of its column, and puts a space after it in any case.
func column(name string) string { return fmt.Sprintf("%-*s ", nameWidth-1, oneLine(name)) }

// took writes a duration as precisely as a person wants to know it: 4.2s, 42s, 4m02s, 1h04m.
func took(d time.Duration) string {
	switch {
	case d < 10*time.Second-50*time.Millisecond:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute-500*time.Millisecond:
		return fmt.Sprintf("%.0fs", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	default:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
}

// sentence says what happened to a step, for example "done in 4.2s" or "waiting for etcd: not ready". It has line
// breaks if the message of a step's end has.
func sentence(e Event) string {
	switch e.State {
	case Started:
		return join("started", ": ", oneLine(e.Message))
	case Waiting:
		return cmp.Or(oneLine(e.Message), "waiting")
	case Unchanged:
		return join("unchanged", ": ", lines(e.Message))
	case Done:
		return join("done in "+took(e.Elapsed), ": ", lines(e.Message))
	case Failed:
		return join("failed after "+took(e.Elapsed), ": ", lines(e.Message))
	default:
		return join(string(e.State), ": ", lines(e.Message))
	}
}

func join(text, between, message string) string {
	if message == "" {
		return text
	}
	return text + between + message
}

// oneLine makes text fit for a single line, and keeps it from steering the terminal.
func oneLine(text string) string {
	return strings.Join(strings.Fields(clean(text)), " ")
}

// lines does so for text whose line breaks are kept: what follows a break is set off from the lines of other steps.
func lines(text string) string {
	return strings.ReplaceAll(strings.TrimSpace(clean(text)), "\n", "\n"+strings.Repeat(" ", nameWidth))
}

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}
