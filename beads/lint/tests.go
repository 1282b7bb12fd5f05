package lint

import (
	"errors"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkTests reports what is wrong with the Bead's tests as they are written.
func (l *linter) checkTests() {
	if l.options.Tests == nil {
		return
	}
	var faults strictyaml.Faults
	errors.As(l.options.Tests(l.files), &faults)
	for _, fault := range faults {
		l.report(ruleTest, fault.Source, fault.Line, fault.Column, "%s", withPath(fault))
	}
}
