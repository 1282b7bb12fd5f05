package engine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestListAndPruneTellWhatIsUsedFromWhatIsNot(t *testing.T) {
	c := plainCache(t)
	if found := c.list(); len(found) > 0 {
		t.Fatalf("in a cache that is not there: %+v", found)
	}
	current := put(t, c, plainEngine(t, c))
	older := plainEngine(t, c)
	older.Manifest.Inputs = "0123"
	older.Manifest.Hash = hashWith(older.Manifest.Inputs, older.Manifest.Go)
	if err := writeManifest(older.Dir, older.Manifest); err != nil {
		t.Fatal(err)
	}
	stale := put(t, c, older)
	broken := filepath.Join(c.dir, "broken")
	left := filepath.Join(c.dir, tempPrefix+"1")
	writeTree(t, c.dir, map[string]string{"broken/bin/own": "", tempPrefix + "1/file": ""})

	found := map[string]Cached{}
	for _, entry := range c.list() {
		found[entry.Dir] = entry
	}
	if len(found) != 3 {
		t.Errorf("found %+v: want three", found)
	}
	if e := found[current]; !e.Current || e.Fault != "" || e.Size != e.Manifest.size() || e.Size == 0 {
		t.Errorf("the current one: %+v", e)
	}
	if e := found[stale]; e.Current || e.Fault != "" {
		t.Errorf("the stale one: %+v", e)
	}
	if e := found[broken]; e.Current || e.Fault == "" {
		t.Errorf("the broken one: %+v", e)
	}

	removed, err := c.prune(t.Context(), report.Discard)
	if err != nil || len(removed) != 2 {
		t.Errorf("removed %+v, %v: want two", removed, err)
	}
	for path, want := range map[string]bool{current: true, stale: false, broken: false, left: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", path, err == nil, want)
		}
	}
}

func TestEngineOfOtherInputsIsNotUsedWithoutTools(t *testing.T) {
	c := plainCache(t)
	other := plainEngine(t, c)
	other.Manifest.Inputs = "0123"
	other.Manifest.Hash = hashWith(other.Manifest.Inputs, other.Manifest.Go)
	if err := writeManifest(other.Dir, other.Manifest); err != nil {
		t.Fatal(err)
	}
	put(t, c, other)
	t.Setenv("PATH", t.TempDir())
	_, err := c.ensure(t.Context(), "", report.Discard)
	wantFaults(t, err, "no Go is on the PATH", "git is not on the PATH")
}

// put moves an engine into the cache and returns its folder there.
func put(t *testing.T, c *cache, e *Engine) string {
	t.Helper()
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(c.dir, e.Manifest.Hash)
	if err := os.Rename(e.Dir, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}
