package gitops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/util"
)

// The three states of one file: as it was rendered before, as it is in Git, as it is rendered now. Empty: not there.
func TestPlanKeepsWhatAPersonChanged(t *testing.T) {
	const a, b, c = "a", "b", "c"
	cases := []struct {
		name                 string
		before, current, now string
		write, kept, removed bool
		conflict             bool
	}{
		{name: "a first rendering is written", now: a, write: true},
		{name: "the same rendering changes nothing", before: a, current: a, now: a},
		{name: "a new rendering is written", before: a, current: a, now: b, write: true},
		{name: "a person's change is kept", before: a, current: b, now: a, kept: true},
		{name: "a person's removal is kept", before: a, now: a, kept: true},
		{name: "a change that both made alike is no conflict", before: a, current: b, now: b},
		{name: "two changes are a conflict", before: a, current: b, now: c, conflict: true},
		{name: "a change of what a person removed is a conflict", before: a, now: b, conflict: true},
		{name: "a person's file of the same name is a conflict", current: a, now: b, conflict: true},
		{name: "a person's file with the same content is none", current: a, now: a},
		{name: "what is no longer rendered is removed", before: a, current: a, removed: true},
		{name: "unless a person changed it", before: a, current: b, kept: true},
		{name: "what both removed stays away", before: a},
		{name: "a person's own file is not touched", current: a},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			files := memfs.New()
			before := record{Files: map[string]string{}}
			if tc.before != "" {
				before.Files["f"] = sum([]byte(tc.before))
			}
			data, err := json.Marshal(before)
			if err != nil {
				t.Fatal(err)
			}
			write(t, files, recordPath, string(data))
			if tc.current != "" {
				write(t, files, "f", tc.current)
			}
			tree := map[string][]byte{}
			if tc.now != "" {
				tree["f"] = []byte(tc.now)
			}
			p, err := newPlan(readFrom(files), tree, Sources{})
			if conflict := new(ConflictError); errors.As(err, &conflict) != tc.conflict {
				t.Fatalf("error %v, want a conflict: %v", err, tc.conflict)
			}
			if tc.conflict {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := p.write["f"]; ok != tc.write {
				t.Errorf("written: %v, want %v", ok, tc.write)
			}
			if got := slices.Contains(p.kept, "f"); got != tc.kept {
				t.Errorf("kept: %v, want %v", got, tc.kept)
			}
			if got := slices.Contains(p.remove, "f"); got != tc.removed {
				t.Errorf("removed: %v, want %v", got, tc.removed)
			}
		})
	}
}

// A README is often there before backstack is, and nothing but people reads it.
func TestPlanLeavesAREADMEThatAPersonWrote(t *testing.T) {
	for _, before := range []map[string]string{{}, {"README.md": sum([]byte("an older rendering"))}} {
		files := memfs.New()
		data, err := json.Marshal(record{Files: before})
		if err != nil {
			t.Fatal(err)
		}
		write(t, files, recordPath, string(data))
		write(t, files, "README.md", "a person's")
		p, err := newPlan(readFrom(files), map[string][]byte{"README.md": []byte("a rendering")}, Sources{})
		if err != nil {
			t.Fatal(err)
		}
		if _, written := p.write["README.md"]; written || !slices.Equal(p.kept, []string{"README.md"}) {
			t.Errorf("rendered before %v: written %v, kept %v: want it kept", before, written, p.kept)
		}
	}
}

func TestPlanOfTheSameTreeIsEmpty(t *testing.T) {
	files, tree := memfs.New(), map[string][]byte{"a/b.yaml": []byte("x: 1\n"), "c": {}}
	first, err := newPlan(readFrom(files), tree, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(first.write)); !slices.Equal(got, []string{recordPath, "a/b.yaml", "c"}) {
		t.Errorf("first written: %v", got)
	}
	for name, content := range first.write {
		write(t, files, name, string(content))
	}
	second, err := newPlan(readFrom(files), tree, Sources{})
	if err != nil || len(second.write)+len(second.remove)+len(second.kept) != 0 {
		t.Errorf("second plan %+v, error %v, want none", second, err)
	}
}

func TestPlanTakesThePlaceOfWhatItWasRenderedFrom(t *testing.T) {
	files, tree := memfs.New(), map[string][]byte{"hub.yaml": []byte("mode: Enforce\n")}
	write(t, files, recordPath, `{"files":{"hub.yaml":"older"}}`)
	write(t, files, "hub.yaml", "mode: Audit # for now\n")
	same, other := map[string][]byte{"hub.yaml": []byte("mode: Audit # for now\n")}, map[string][]byte{"hub.yaml": []byte("mode: Audit\n")}
	for _, sources := range []Sources{{Read: same}, {Given: same}} {
		p, err := newPlan(readFrom(files), tree, sources)
		if err != nil || string(p.write["hub.yaml"]) != "mode: Enforce\n" {
			t.Errorf("plan %+v, error %v, want hub.yaml written", p, err)
		}
	}
	_, err := newPlan(readFrom(files), tree, Sources{Given: other})
	if conflict := new(ConflictError); !errors.As(err, &conflict) {
		t.Errorf("error %v, want a conflict: what is there is not what was given", err)
	}
	_, err = newPlan(readFrom(files), tree, Sources{Read: other})
	if stale := new(StaleError); !errors.As(err, &stale) {
		t.Errorf("error %v, want it to be stale: the file is no longer what was read", err)
	}
}

// Another install may have committed since this one read what it renders from.
func TestPlanDoesNotTakeBackWhatWasCommittedSinceItsSourceWasRead(t *testing.T) {
	files, tree := memfs.New(), map[string][]byte{"hub.yaml": []byte("mode: Audit\n")}
	write(t, files, "hub.yaml", "mode: Enforce\n")
	write(t, files, recordPath, fmt.Sprintf(`{"files":{"hub.yaml":%q}}`, sum([]byte("mode: Enforce\n"))))
	_, err := newPlan(readFrom(files), tree, Sources{Read: map[string][]byte{"hub.yaml": []byte("mode: Audit\n")}})
	if stale := new(StaleError); !errors.As(err, &stale) || !slices.Equal(stale.Files, []string{"hub.yaml"}) {
		t.Errorf("error %v, want hub.yaml to be named as stale", err)
	}
	p, err := newPlan(readFrom(files), tree, Sources{Read: map[string][]byte{"hub.yaml": []byte("mode: Enforce\n")}})
	if err != nil || p.write["hub.yaml"] == nil {
		t.Errorf("plan %+v, error %v, want hub.yaml written: it is as it was read", p, err)
	}
}

func TestPlanRefusesABrokenRecord(t *testing.T) {
	files := memfs.New()
	write(t, files, recordPath, "{")
	if _, err := newPlan(readFrom(files), nil, Sources{}); err == nil {
		t.Error("no error for a record that is no JSON")
	}
}

func write(t *testing.T, files billy.Basic, name, content string) {
	t.Helper()
	if err := util.WriteFile(files, name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFilesThatAreNotRenderedCanBeEdited(t *testing.T) {
	files := memfs.New()
	tree := map[string][]byte{"rendered": []byte("old")}
	write(t, files, "rendered", "old")
	write(t, files, "beads/a/spokes.yaml", "old")
	write(t, files, "beads/b/spokes.yaml", "new")
	p, err := newPlan(readFrom(files), tree, Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.edit(files, tree, func(_ string, content []byte) []byte {
		return bytes.ReplaceAll(content, []byte("old"), []byte("new"))
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"beads/a/spokes.yaml"}; !slices.Equal(p.changed, want) || string(p.write[want[0]]) != "new" {
		t.Errorf("changed are %v, %s; want %v", p.changed, p.write, want)
	}
}
