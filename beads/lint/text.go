package lint

import (
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// text is a file as it stands in the Bead, and as it was rendered.
type text struct {
	source   []string // lines
	rendered []string
	lines    []int // for each rendered line the line of the source, counted from 0
}

// newText finds out which line of the source each rendered line comes from. Lines that are the same in both tell where
// the others are: what an action has changed stands between them.
func newText(source, rendered string) *text {
	t := &text{source: strings.Split(source, "\n"), rendered: strings.Split(rendered, "\n")}
	t.lines = make([]int, len(t.rendered))
	if len(t.source) == len(t.rendered) {
		for i := range t.lines {
			t.lines[i] = i
		}
		return t
	}
	for _, code := range difflib.NewMatcherWithJunk(t.source, t.rendered, false, nil).GetOpCodes() {
		for j := code.J1; j < code.J2; j++ {
			t.lines[j] = min(code.I1+j-code.J1, max(code.I2-1, code.I1), len(t.source)-1)
		}
	}
	return t
}

// place returns where in the source a place in what was rendered is, both counted from 1. The column is 0 if an action
// has changed the line.
func (t *text) place(line, column int) (int, int) {
	if line < 1 || line > len(t.lines) {
		return 0, 0
	}
	source := t.lines[line-1]
	if t.source[source] != t.rendered[line-1] {
		column = 0
	}
	return source + 1, column
}
