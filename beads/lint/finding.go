package lint

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity is how bad a Finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // the Bead does not work, or is refused
	Warning Severity = "warning" // it is probably not meant so, or could not be checked
)

// Finding is one thing that is wrong with a Bead. Its JSON form only grows.
type Finding struct {
	Rule     string   `json:"rule"` // one of Rules
	Severity Severity `json:"severity"`
	File     string   `json:"file"`             // from the Bead's folder, with slashes
	Line     int      `json:"line,omitempty"`   // counted from 1; 0 if no line is at fault
	Column   int      `json:"column,omitempty"` // in characters, counted from 1; 0 if unknown
	Message  string   `json:"message"`          // what is wrong and what would be right, in one line
}

// String is the finding as one line of text.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s: %s (%s)", f.Where(), f.Severity, f.Message, f.Rule)
}

// Where is the file, with the line and the column as far as they are known.
func (f Finding) Where() string {
	switch {
	case f.Line == 0:
		return f.File
	case f.Column == 0:
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return fmt.Sprintf("%s:%d:%d", f.File, f.Line, f.Column)
}

// Errors counts the findings that are errors.
func Errors(findings []Finding) int {
	count := 0
	for _, finding := range findings {
		if finding.Severity == Error {
			count++
		}
	}
	return count
}

// sorted returns the findings in the order of their places, each once.
func sorted(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(findings)
}
