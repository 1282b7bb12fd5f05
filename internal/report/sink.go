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
	Auto     Mode = "auto"
	Plain    Mode = "plain"
	JSON     Mode = "json"
	Terminal Mode = "terminal"
)

// Set takes one of the modes' names.
func (m *Mode) Set(name string) error {
	switch mode := Mode(name); mode {
	case Auto, Plain, JSON, Terminal:
		*m = mode
		return nil
	}
	return fmt.Errorf("want one of %s", strings.Join([]string{
		string(Auto), string(Plain), string(JSON), string(Terminal),
	}, ", "))
}

// String returns the mode's name.
func (m *Mode) String() string { return string(*m) }

// Type names the kind of value in a command's help.
func (m *Mode) Type() string { return "mode" }

// New returns the sink that mode chooses. A live display on a terminal ends when ctx does, see NewTerminal; a terminal
// that calls itself dumb has none in any mode.
func New(ctx context.Context, mode Mode, w io.Writer) Sink {
	switch {
	case mode == JSON:
		return NewJSON(w)
	case mode == Plain, os.Getenv("TERM") == "dumb", mode != Terminal && !isTerminal(w):
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
