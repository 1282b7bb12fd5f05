package beadtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// installedAs is a hub with the Bead welcome that says a word.
func installedAs(t *testing.T, word string) (*stage, []*group) {
	t.Helper()
	folder := read(t, "welcome")
	tests, err := Load(folder.Files)
	if err != nil {
		t.Fatal(err)
	}
	groups, err := Options{Folder: folder}.group(t.Context(), tests, bead.Hub{})
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(
		_ context.Context, _ *hub.Access, values map[string]any, dryRun bool, _ report.Reporter,
	) ([]string, error) {
		if !dryRun {
			t.Error("the Bead on the hub is changed")
		}
		if wanted, given := values["word"]; given && wanted != word {
			return []string{"beads/welcome/bead.lock.yaml", "beads/welcome/composites/composition.yaml"}, nil
		}
		return []string{"beads/welcome/bead.lock.yaml"}, nil
	}
	return &stage{options: Options{Folder: folder, Deliver: deliver}, access: &hub.Access{Name: "hub"}}, groups
}

func TestTestsThatWantAnotherBeadThanTheHubsAreNamed(t *testing.T) {
	s, groups := installedAs(t, "hello")
	err := s.checkInstalled(t.Context(), groups)
	if request := new(hub.RequestError); !errors.As(err, &request) {
		t.Fatalf("the error is %v: want a wrong request", err)
	}
	const want = `bead welcome is on hub hub already, with other parameters than these tests want:
  other-word: beads/welcome/composites/composition.yaml would differ
want a hub of its own, without --hub; or the tests of the Bead as it is there, --run '^(card|manners|template)$'`
	if err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
}

func TestTheHubsBeadIsTestedWhereNoTestWantsAnother(t *testing.T) {
	s, groups := installedAs(t, "hej")
	if err := s.checkInstalled(t.Context(), groups); err != nil {
		t.Errorf("the error is %v: want none", err)
	}
	refusal := errors.New("another version")
	s.options.Deliver = func(context.Context, *hub.Access, map[string]any, bool, report.Reporter) ([]string, error) {
		return nil, refusal
	}
	err := s.checkInstalled(t.Context(), groups)
	if err == nil || !strings.Contains(err.Error(), "not as it is here: another version") {
		t.Errorf("the error is %v: want why the Bead is another", err)
	}
}
