package scaffold

import (
	"context"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/back-stack/backstack/beads/beadtest"
	"github.com/back-stack/backstack/beads/lint"
	"github.com/back-stack/backstack/internal/report"
)

func TestEveryCombinationOfPartsLintsClean(t *testing.T) {
	for _, parts := range combinations() {
		t.Run(fmt.Sprint(parts), func(t *testing.T) {
			findings, err := lint.Lint(context.Background(), made(t, "message-queue", parts...), lint.Options{Backstack: "0.1.0"})
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range findings {
				t.Error(finding)
			}
		})
	}
}

func TestEveryCombinationOfPartsHasTestsThatCanBeRead(t *testing.T) {
	for _, parts := range combinations() {
		if _, err := beadtest.Load(made(t, "message-queue", parts...)); err != nil {
			t.Errorf("%v: %v", parts, err)
		}
	}
}

// The tests of the other parts need a hub.
func TestTestsOfTemplatesPass(t *testing.T) {
	for _, parts := range combinations() {
		folder, out := rendered(t, made(t, "message-queue", parts...))
		if len(out.Catalog) == 0 {
			continue
		}
		result, err := beadtest.Run(context.Background(), beadtest.Options{
			Folder: folder, Only: regexp.MustCompile("^template$"), Timeout: time.Minute,
		}, report.Discard)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range result.Tests {
			if !test.Passed {
				t.Errorf("%v: %s: %v", parts, test.Name, test.Failures)
			}
		}
	}
}
