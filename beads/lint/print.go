package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// Report is the JSON form of what was found. It only grows.
type Report struct {
	Bead     string    `json:"bead"` // the folder that was linted
	Errors   int       `json:"errors"`
	Warnings int       `json:"warnings"`
	Findings []Finding `json:"findings"`
}

// NewReport returns the report of a Bead's findings.
func NewReport(bead string, findings []Finding) Report {
	errors := Errors(findings)
	if findings == nil {
		findings = []Finding{} // a list, and not null
	}
	return Report{Bead: bead, Errors: errors, Warnings: len(findings) - errors, Findings: findings}
}

// WriteText writes a line for each finding, such as
//
//	bead.yaml:7:3:  error:  spec.license: ... (license)
//
// with the columns lined up, and a summary.
func (r Report) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(table, "%s:\t%s:\t%s (%s)\n", f.Where(), f.Severity, f.Message, f.Rule); err != nil {
			return err
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, r.Summary())
	return err
}

// Summary says in one line what was found.
func (r Report) Summary() string {
	if len(r.Findings) == 0 {
		return r.Bead + ": nothing wrong"
	}
	return fmt.Sprintf("%s: %s, %s", r.Bead, count(r.Errors, "error"), count(r.Warnings, "warning"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// WriteJSON writes the report as JSON.
func (r Report) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
