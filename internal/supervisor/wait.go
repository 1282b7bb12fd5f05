package supervisor

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// NotReadyError says which processes a wait ended without.
type NotReadyError struct {
	Pending []Status // those that are not ready
	Cause   error    // why the wait ended: the context's error, or nil if a process cannot be started at all
}

func (e *NotReadyError) Error() string {
	var text strings.Builder
	text.WriteString("waiting for processes to be ready")
	if e.Cause != nil {
		fmt.Fprintf(&text, ": %v", e.Cause)
	}
	for _, s := range e.Pending {
		text.WriteString("\n  " + s.details())
	}
	return text.String()
}

func (e *NotReadyError) Unwrap() error { return e.Cause }

// Wait returns when the named processes are ready; all processes if no name is given. It returns a *NotReadyError when
// ctx ends before, or when one of them cannot be started. onChange, which may be nil, is called with the status of
// those that are not ready each time that it has changed, and at last with none. If the supervisor is killed, it waits for
// the one that takes over.
func (c *Client) Wait(ctx context.Context, onChange func(pending []Status), names ...string) error {
	var pending []Status
	for list, err := range c.watchAll(ctx) {
		if err != nil && ctx.Err() != nil {
			return &NotReadyError{Pending: pending, Cause: context.Cause(ctx)}
		}
		if err != nil {
			return err
		}
		if unknown := missing(list, names); len(unknown) > 0 {
			return fmt.Errorf("waiting for processes: %s: no such process", strings.Join(unknown, ", "))
		}
		before := pending
		pending = slices.DeleteFunc(list, func(s Status) bool {
			return s.Satisfied() || len(names) > 0 && !slices.Contains(names, s.Name)
		})
		if onChange != nil && (!slices.Equal(before, pending) || len(pending) == 0) {
			onChange(pending)
		}
		if len(pending) == 0 {
			return nil
		}
		if hopeless := slices.DeleteFunc(slices.Clone(pending), hasHope); len(hopeless) > 0 {
			return &NotReadyError{Pending: hopeless}
		}
	}
	return ErrNotRunning
}

// watchAll is Watch of the supervisor and of those that take over from it.
func (c *Client) watchAll(ctx context.Context) iter.Seq2[[]Status, error] {
	return func(yield func([]Status, error) bool) {
		for again := true; again; {
			again = false
			for list, err := range c.Watch(ctx) {
				if errors.Is(err, ErrNotRunning) && supervising(c.dir) {
					again = true
				} else if !yield(list, err) {
					return
				}
			}
		}
	}
}

func hasHope(s Status) bool { return s.State != Failed }

func missing(list []Status, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(list, func(s Status) bool { return s.Name == name })
	})
}
