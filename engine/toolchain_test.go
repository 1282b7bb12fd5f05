package engine

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestCompilerVersion(t *testing.T) {
	for name, c := range map[string]struct {
		has, toolchain, want, fault string
	}{
		"new enough":                      {has: "go1.26.6", toolchain: "local", want: "go1.26.6"},
		"newer":                           {has: "go1.27.0", toolchain: "local", want: "go1.27.0"},
		"with experiments":                {has: "go1.26.8 X:synctest", toolchain: "local", want: "go1.26.8"},
		"of the development branch":       {has: "devel go1.28-abcdef", toolchain: "local", want: "devel"},
		"too old, fetches another":        {has: "go1.24.1", toolchain: "auto", want: "go1.26.6"},
		"too old, fetches one by default": {has: "go1.24.1", toolchain: "go1.24.1+auto", want: "go1.26.6"},
		"too old, must not fetch":         {has: "go1.24.1", toolchain: "local", fault: "GOTOOLCHAIN=auto"},
		"too old, one version only":       {has: "go1.24.1", toolchain: "go1.24.1", fault: "install Go 1.26.6 or later"},
		"too old to fetch another":        {has: "go1.19.8", toolchain: "", fault: "install Go 1.26.6 or later"},
	} {
		got, err := compilerVersion(goEnv{Version: c.has, Toolchain: c.toolchain}, "1.26.6")
		if got != c.want || (err == nil) != (c.fault == "") {
			t.Errorf("%s: got %q, %v: want %q", name, got, err, c.want)
		}
		if err != nil && (!strings.Contains(err.Error(), c.fault) || !strings.Contains(err.Error(), "BACKSTACK_ENGINE")) {
			t.Errorf("%s: got %v: want %q and the archive way", name, err, c.fault)
		}
	}
	if _, err := compilerVersion(goEnv{Version: "go1.19.8"}, "1.26.6"); strings.Contains(err.Error(), "GOTOOLCHAIN") {
		t.Errorf("advice that Go 1.19 does not understand: %v", err)
	}
}

func TestEverythingThatIsMissingIsNamedAtOnce(t *testing.T) {
	c := newSmallCache(t)
	c.recipe.modules[0].cgo = true
	realGo, realGit := lookPath(t, "go"), lookPath(t, "git")
	for name, tc := range map[string]struct {
		tools map[string]string // scripts by their names
		want  []string          // words of the faults, one each
	}{
		"nothing is there": {nil, []string{"no Go is on the PATH", "git is not on the PATH"}},
		"Go is too old": {
			map[string]string{"go": oldGo, "git": forward(realGit), "gcc": "exit 0"},
			[]string{"is go1.20.14, too old"},
		},
		"Go does not work": {
			map[string]string{"go": "echo broken >&2; exit 3", "git": forward(realGit)},
			[]string{"broken"},
		},
		"no git and no C compiler": {
			map[string]string{"go": forward(realGo)},
			[]string{"git is not on the PATH", "the C compiler gcc is not on the PATH"},
		},
		"no C library": {
			map[string]string{"go": forward(realGo), "git": forward(realGit), "gcc": "exit 1"},
			[]string{"finds no C library"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CC", "gcc")
			t.Setenv("PATH", tools(t, tc.tools))
			told := &recorder{}
			_, err := c.ensure(t.Context(), "", told)
			wantFaults(t, err, tc.want...)
			wantFaults(t, c.check(t.Context(), ""), tc.want...)
			if told.last() != report.Failed {
				t.Errorf("the step ended as %q: want %q", told.last(), report.Failed)
			}
			if _, err := os.Stat(c.dir); err == nil {
				t.Error("the cache was touched")
			}
		})
	}
}

func TestPureGoNeedsNoCompilerOfC(t *testing.T) {
	c := newSmallCache(t)
	t.Setenv("PATH", tools(t, map[string]string{"go": forward(lookPath(t, "go")), "git": forward(lookPath(t, "git"))}))
	if err := c.check(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

func TestCacheThatCannotBeMadeIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := cacheFor(t, file, smallRecipe(t))
	_, err := c.ensure(t.Context(), "", report.Discard)
	var refused *UnmetError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v: want an UnmetError that names %s", err, file)
	}
}

// oldGo is a go command of a time before toolchains.
const oldGo = `echo '{"GOVERSION":"go1.20.14","CC":"gcc"}'`

// forward is a script that runs a program in its own place.
func forward(path string) string { return "exec " + path + ` "$@"` }

// tools makes a folder for the PATH that has only the given scripts.
func tools(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func lookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// wantFaults checks that an error is an UnmetError with one fault for each of the given words, in that order.
func wantFaults(t *testing.T, err error, words ...string) {
	t.Helper()
	var unmet *UnmetError
	if !errors.As(err, &unmet) || len(unmet.Faults) != len(words) {
		t.Fatalf("got %v: want %d faults", err, len(words))
	}
	for i, fault := range unmet.Faults {
		if !strings.Contains(fault.Error(), words[i]) {
			t.Errorf("got %v: want %q", fault, words[i])
		}
	}
}
