package report

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// Sink is a Reporter that writes somewhere. Close writes what is still held back and leaves a terminal as it was found;
// it returns the first error of writing. Events that come after it are lost.
type Sink interface {
	Reporter
	Close() error
}

// Mode chooses a sink. It can be the value of a command's flag.
type Mode string

// The modes. Auto is Terminal where a person watches, and Plain elsewhere.
const (
	Auto         Mode = "auto"
	PlainMode    Mode = "plain"
	JSONMode     Mode = "json"
	TerminalMode Mode = "terminal"
)

// Set takes one of the modes' names.
func (m *Mode) Set(name string) error {
	switch mode := Mode(name); mode {
	case Auto, PlainMode, JSONMode, TerminalMode:
		*m = mode
		return nil
	}
	return fmt.Errorf("want one of %s", strings.Join([]string{
		string(Auto), string(PlainMode), string(JSONMode), string(TerminalMode),
	}, ", "))
}

// String returns the mode's name.
func (m *Mode) String() string { return string(*m) }

// Type names the kind of value in a command's help.
func (m *Mode) Type() string { return "mode" }

// New returns the sink that mode chooses. When ctx ends, a live display on a terminal ends with it: the terminal is as
// before, and what is reported later comes as plain lines. A terminal that calls itself dumb has none in any mode.
func New(ctx context.Context, mode Mode, w io.Writer) Sink {
	switch {
	case mode == JSONMode:
		return NewJSON(w)
	case mode == PlainMode, os.Getenv("TERM") == "dumb", mode != TerminalMode && !isTerminal(w):
		return NewPlain(w)
	}
	return NewTerminal(ctx, w, func() int { return widthOf(w) })
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

const fallbackWidth = 80

func widthOf(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return fallbackWidth
}
