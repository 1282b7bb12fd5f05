package engine

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
)

// UnmetError says why an engine cannot be made before anything of it was made. Each fault says what would be right.
type UnmetError struct {
	Faults []error // at least one
}

// Error names all faults, each on a line of its own if there are several.
func (e *UnmetError) Error() string {
	if len(e.Faults) == 1 {
		return "preparing the engine: " + e.Faults[0].Error()
	}
	var text strings.Builder
	_, _ = fmt.Fprintf(&text, "preparing the engine: %d things are in the way:", len(e.Faults))
	for _, fault := range e.Faults {
		_, _ = fmt.Fprintf(&text, "\n  - %v", fault)
	}
	return text.String()
}

// Unwrap returns the faults.
func (e *UnmetError) Unwrap() []error { return e.Faults }

// unmet returns nil if there is no fault.
func unmet(faults ...error) error {
	var found []error
	for _, f := range faults {
		if f != nil {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &UnmetError{Faults: found}
}

// archiveWay is what can be done on a machine where an engine cannot be built.
const archiveWay = "copy an archive that `backstack engine build --output` has made elsewhere to this machine " +
	"and set BACKSTACK_ENGINE to its path"

// explainFull adds to an error that a full disk has caused what can be done about it.
func explainFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "no space left on device") {
		return fmt.Errorf("%w: free some disk space; `go clean -cache` empties Go's build cache", err)
	}
	return err
}
