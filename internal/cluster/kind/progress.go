package kind

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kind/pkg/log"
)

// How kind begins the lines that say how far it is.
const (
	stepBegins = " • "
	stepFails  = " ✗ "
)

// progress takes what kind's library says: all of it goes to a log, and what it does now to a person.
type progress struct {
	begins func(step string) // kind begins with something
	fails  func()            // something failed, and what was made will be deleted next
	said   func()            // kind said anything for people: it is between two commands

	mu  sync.Mutex
	log io.Writer
	err error // the first error of writing the log
}

var _ log.Logger = (*progress)(nil)

// deepest is the most detailed level that is logged: with it comes what kubeadm says.
const deepest log.Level = 3

// level is a progress at one level of detail; 0 is for people.
type level struct {
	*progress
	level log.Level
}

// Enabled says whether anything at this level is wanted.
func (l level) Enabled() bool { return l.level <= deepest }

// Info takes a line, and Infof one to be formatted.
func (l level) Info(message string) {
	if !l.Enabled() {
		return
	}
	l.write(message)
	if l.level > 0 {
		return
	}
	l.said()
	switch {
	case strings.HasPrefix(message, stepBegins):
		l.begins(phrase(strings.TrimPrefix(message, stepBegins)))
	case strings.HasPrefix(message, stepFails):
		l.fails()
	}
}

// Infof formats a line.
func (l level) Infof(format string, args ...any) { l.Info(fmt.Sprintf(format, args...)) }

// V returns what takes lines at a level.
func (p *progress) V(at log.Level) log.InfoLogger { return level{progress: p, level: at} }

// Warn, Warnf, Error and Errorf log a line.
func (p *progress) Warn(message string) { p.write("warning: " + message) }

// Warnf logs a line.
func (p *progress) Warnf(format string, args ...any) { p.Warn(fmt.Sprintf(format, args...)) }

// Error logs a line.
func (p *progress) Error(message string) { p.write("error: " + message) }

// Errorf logs a line.
func (p *progress) Errorf(format string, args ...any) { p.Error(fmt.Sprintf(format, args...)) }

// write adds to the log. That it cannot is no reason to end making a cluster.
func (p *progress) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintln(p.log, strings.TrimRight(text, "\n")); err != nil && p.err == nil {
		p.err = err
	}
}

// phrase makes of kind's "Starting control-plane 🕹️  ..." what reports have: "starting control-plane".
func phrase(step string) string {
	plain := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return -1
		}
		return r
	}, step)
	plain = strings.TrimRight(plain, ". \n")
	first, size := utf8.DecodeRuneInString(plain)
	if size == 0 {
		return plain
	}
	return string(unicode.ToLower(first)) + plain[size:]
}
