package engine

import (
	"fmt"
	"strings"
	"sync"

	"github.com/back-stack/backstack/internal/report"
	"github.com/dustin/go-humanize"
)

// downloadsShown is after how many downloads of modules another message comes.
const downloadsShown = 50

// progress turns what the go command writes while it works into messages for a person: often enough to see that it
// moves, and not so often that a log is full of it. Several builds can share one.
type progress struct {
	step *report.Step

	mu         sync.Mutex
	downloaded int
	compiled   int
	expected   int
	percent    int // of the last message
}

// expect adds to the number of packages that will be compiled.
func (p *progress) expect(packages int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected += packages
}

// begin says that compilers begin their work.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.percent = -1
	p.showCompiled()
}

// line takes a line that go has written to its standard error, and says whether it was about progress.
func (p *progress) line(line string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		p.downloaded++
		if p.downloaded%downloadsShown == 1 {
			module, _, _ := strings.Cut(strings.TrimPrefix(line, "go: downloading "), " ")
			p.step.Wait(fmt.Sprintf("downloading Go modules: %s so far, now %s", humanize.Comma(int64(p.downloaded)), module))
		}
	case isPackage(line):
		p.compiled++
		p.showCompiled()
	default:
		return false
	}
	return true
}

func (p *progress) showCompiled() {
	// Packages that both builds compile, or that were not counted, must not make it more than all.
	compiled := min(p.compiled, p.expected)
	percent := 100
	if p.expected > 0 {
		percent = 100 * compiled / p.expected
	}
	if percent == p.percent {
		return
	}
	p.percent = percent
	if compiled == p.expected {
		p.step.Wait("linking the programs")
		return
	}
	if compiled == 0 {
		p.step.Wait(fmt.Sprintf("compiling %s packages", humanize.Comma(int64(p.expected))))
		return
	}
	p.step.Wait(fmt.Sprintf("compiled %s of %s packages",
		humanize.Comma(int64(compiled)), humanize.Comma(int64(p.expected))))
}

// isPackage says whether a line of go build -v is the path of a package that it compiles. Its errors have spaces in
// them.
func isPackage(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t:#")
}
