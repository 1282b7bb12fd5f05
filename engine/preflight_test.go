package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestFullDiskIsNamedOnceWithAllThatIsNeededOnIt(t *testing.T) {
	dir := t.TempDir()
	later := filepath.Join(dir, "not", "yet")
	if faults := checkSpace([]space{{dir, 1}, {later, 1}}); len(faults) > 0 {
		t.Errorf("two bytes are too many: %v", faults)
	}
	faults := checkSpace([]space{{dir, 1 << 59}, {later, 1 << 59}})
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), dir) || !strings.Contains(faults[0].Error(), "1.0 EiB") {
		t.Errorf("got %v: want one fault, that names %s and 1.0 EiB", faults, dir)
	}
}

func TestModulesThatAreThereNeedNoSpace(t *testing.T) {
	r := smallRecipe(t)
	modCache := os.Getenv("GOMODCACHE")
	if got, err := r.downloadSpace(modCache); err != nil || got != modCacheSpace {
		t.Errorf("with nothing downloaded it is %d, %v: want %d", got, err, uint64(modCacheSpace))
	}
	mustEnsure(t, cacheFor(t, t.TempDir(), r), report.Discard)
	if got, err := r.downloadSpace(modCache); err != nil || got != 0 {
		t.Errorf("with all downloaded it is %d, %v: want 0", got, err)
	}
}

func TestFolderBelowAFileIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if err := checkWritable(dir); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: got %v", dir, err)
		}
		if faults := checkSpace([]space{{dir, 1}}); len(faults) != 1 {
			t.Errorf("%s: got %v: want one fault", dir, faults)
		}
	}
}

func TestDiskThatFillsUpDuringTheWorkIsExplained(t *testing.T) {
	for _, err := range []error{
		fmt.Errorf("writing: %w", syscall.ENOSPC),
		&toolError{tool: "go", words: "write /tmp/a: no space left on device", err: errors.New("exit status 1")},
	} {
		if got := explainFull(err); !errors.Is(got, err) || !strings.Contains(got.Error(), "go clean -cache") {
			t.Errorf("got %v: want advice", got)
		}
	}
	other := errors.New("other")
	if got := explainFull(other); got != other {
		t.Errorf("got %v: want it as it was", got)
	}
}

func TestOneFaultIsOneLineAndSeveralAreAList(t *testing.T) {
	a, b := errors.New("no a"), errors.New("no b")
	if err := unmet(nil, nil); err != nil {
		t.Errorf("no faults are the error %v", err)
	}
	if got, want := unmet(nil, a).Error(), "preparing the engine: no a"; got != want {
		t.Errorf("got %q: want %q", got, want)
	}
	err := unmet(a, nil, b)
	if got, want := err.Error(), "preparing the engine: 2 things are in the way:\n  - no a\n  - no b"; got != want {
		t.Errorf("got %q: want %q", got, want)
	}
	if !errors.Is(err, b) {
		t.Error("a fault is not found in it")
	}
}
