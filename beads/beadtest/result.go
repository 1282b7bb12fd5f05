package beadtest

import (
	"slices"
	"strings"
	"time"

	"github.com/back-stack/backstack/beads/bead"
)

// Report is what became of a Bead's tests. The JSON form only grows.
type Report struct {
	Bead    string   `json:"bead"`
	Version string   `json:"version"`
	Hub     string   `json:"hub,omitempty"`  // the hub that was used, if it is still there
	Kept    bool     `json:"kept,omitempty"` // whether that hub was made for the tests
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Seconds float64  `json:"seconds"` // that everything took
	Tests   []Result `json:"tests"`
}

// Result is what became of one test.
type Result struct {
	Name        string   `json:"name"`
	File        string   `json:"file"`
	Line        int      `json:"line"`
	Description string   `json:"description,omitempty"`
	Passed      bool     `json:"passed"`
	Seconds     float64  `json:"seconds"`
	Failures    []string `json:"failures,omitempty"` // what was not as expected and why, each in one or more lines
}

func newReport(f *bead.Folder) *Report {
	return &Report{Bead: f.Metadata.Name, Version: f.Spec.Version, Tests: []Result{}}
}

func (r *Report) add(result Result) {
	r.Tests = append(r.Tests, result)
	if result.Passed {
		r.Passed++
	} else {
		r.Failed++
	}
}

// end puts the results into the order of the tests, and notes how long all took.
func (r *Report) end(tests []Test, started time.Time) {
	at := make(map[string]int, len(tests))
	for i, test := range tests {
		at[test.Name] = i
	}
	slices.SortFunc(r.Tests, func(a, b Result) int { return at[a.Name] - at[b.Name] })
	r.Seconds = time.Since(started).Seconds()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
