package engine

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestProgressIsToldOftenEnoughAndNotMore(t *testing.T) {
	told := &recorder{}
	p := &progress{step: report.Start(told, stepName, "")}
	for i := range 120 {
		p.line(fmt.Sprintf("go: downloading example.test/m%d v1.0.0", i))
	}
	p.expect(2000)
	p.expect(310)
	p.begin()
	for i := range 2310 {
		if !p.line(fmt.Sprintf("example.test/p%d", i)) {
			t.Fatal("a package was not recognised")
		}
	}
	var said []string
	for _, e := range told.events {
		if e.State == report.Waiting {
			said = append(said, e.Message)
		}
	}
	for _, want := range []string{
		"downloading Go modules: 1 so far, now example.test/m0",
		"downloading Go modules: 101 so far, now example.test/m100",
		"compiling 2,310 packages",
		"compiled 1,155 of 2,310 packages",
		"linking the programs",
	} {
		if !slices.Contains(said, want) {
			t.Errorf("it did not say %q", want)
		}
	}
	if len(said) > 3+101+1 {
		t.Errorf("it said %d things", len(said))
	}
}

func TestProgressWithNothingToCompileIsLinking(t *testing.T) {
	told := &recorder{}
	p := &progress{step: report.Start(told, stepName, "")}
	p.begin()
	if !told.said("linking the programs") {
		t.Errorf("it said %+v", told.events)
	}
}

func TestErrorsAreNotTakenForProgress(t *testing.T) {
	p := &progress{step: report.Start(report.Discard, stepName, "")}
	for _, line := range []string{"", "# example.test/p", "main.go:3:2: undefined: x", "\thave (int)", "go: a fault"} {
		if p.line(line) {
			t.Errorf("%q was taken for progress", line)
		}
	}
}

func TestParallelismFitsProcessorsAndMemory(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		processors   int
		memory       uint64
		builds       int
		jobs, atOnce int
	}{
		{2, 24 * gib, 2, 2, 2},
		{16, 24 * gib, 2, 6, 2},
		{16, 3 * gib, 2, 1, 1},
		{16, 1 * gib, 2, 1, 1},
		{4, 4 * gib, 2, 1, 2},
		{1, 64 * gib, 2, 1, 2},
		{8, math.MaxUint64, 1, 8, 1},
	} {
		jobs, atOnce := parallelism(c.processors, c.memory, c.builds)
		if jobs != c.jobs || atOnce != c.atOnce {
			t.Errorf("%d processors, %d GiB, %d builds: %d jobs in %d builds, want %d in %d",
				c.processors, c.memory/gib, c.builds, jobs, atOnce, c.jobs, c.atOnce)
		}
	}
	if availableMemory() == 0 {
		t.Error("this machine has no memory")
	}
}

func TestErrorsRepeatTheEndOfWhatAProgramSaid(t *testing.T) {
	w := &lineWriter{progress: func(line string) bool { return line == "progress" }}
	for _, part := range []string{"first\npro", "gress\n", strings.Repeat("x", outputLimit) + "\nthe ", "end"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	got := w.rest()
	if !strings.HasSuffix(got, "x\nthe end") || strings.Contains(got, "first") || len(got) > outputLimit {
		t.Errorf("it kept %d bytes that end in %q", len(got), got[max(0, len(got)-20):])
	}
}
