package hub

import "strings"

// RequestError says that what was asked for is wrong. Nothing was touched.
type RequestError struct{ Err error }

func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *RequestError) Unwrap() error { return e.Err }

// RefusedError says that what was asked for is not done, because something would be lost.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns what would be lost.
func (e *RefusedError) Unwrap() error { return e.Err }

// UnhealthyError says that a hub is not healthy, or did not become so in time.
type UnhealthyError struct {
	Err    error    // what was waited for, and why the wait ended
	Causes []string // what is not healthy and why, one object each
}

func (e *UnhealthyError) Error() string {
	text := e.Err.Error()
	if len(e.Causes) > 0 {
		text += "\n  " + strings.Join(e.Causes, "\n  ")
	}
	return text
}

// Unwrap returns why the wait ended.
func (e *UnhealthyError) Unwrap() error { return e.Err }
