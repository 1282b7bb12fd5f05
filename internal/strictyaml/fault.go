package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong in what was read.
type Fault struct {
	Source  string // what was read: a file's name, or a flag such as --set; empty if it has none
	Line    int    // counted from 1; 0 if no single line is at fault
	Column  int    // in characters, counted from 1; 0 if unknown
	Path    string // the field, such as spec.components.kyverno.version; empty for the document as a whole
	Message string // what is wrong and what would be right
}

// String returns the fault in one line, such as
// hub.yaml:7: spec.provider: "ek" is not a provider: want one of kind, eks (did you mean eks?).
func (f Fault) String() string {
	var b strings.Builder
	switch {
	case f.Source != "" && f.Line > 0:
		fmt.Fprintf(&b, "%s:%d: ", f.Source, f.Line)
	case f.Source != "":
		fmt.Fprintf(&b, "%s: ", f.Source)
	case f.Line > 0:
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	if f.Path != "" {
		fmt.Fprintf(&b, "%s: ", f.Path)
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults is everything that is wrong, as one error. Find it in an error with errors.As.
type Faults []Fault

// Error returns the faults, one in a line. Of very many, as those of a file of another kind, it leaves out the last.
func (f Faults) Error() string {
	const most = 100
	var lines []string
	for _, fault := range f[:min(len(f), most)] {
		lines = append(lines, fault.String())
	}
	if len(f) > most {
		lines = append(lines, fmt.Sprintf("and %d more", len(f)-most))
	}
	return strings.Join(lines, "\n")
}

// Err returns the faults as an error, sorted and each once, or nil if there is none. Faults of one source stay
// together, the sources in the order in which they first occur; within a source they are sorted by line and column.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	order := make(map[string]int, 2)
	for _, fault := range f {
		if _, known := order[fault.Source]; !known {
			order[fault.Source] = len(order)
		}
	}
	sorted := slices.Clone(f)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(order[a.Source], order[b.Source]), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(sorted)
}

// Quote returns text as a message shows it: on one line, in quotes, cut short if it is long, and without what may be a
// password in a URL.
func Quote(text string) string {
	const most = 60
	if scheme, rest, found := strings.Cut(text, "://"); found && strings.Contains(rest, "@") {
		text = scheme + "://…"
	}
	if letters := []rune(text); len(letters) > most {
		return strconv.Quote(string(letters[:most]) + "…")
	}
	return strconv.Quote(text)
}
