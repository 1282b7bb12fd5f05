package engine

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestEngineIsBuiltFromItsSources(t *testing.T) {
	c := newSmallCache(t)
	told := &recorder{}
	engine := mustEnsure(t, c, told)
	if told.last() != report.Done {
		t.Errorf("the step ended as %q: want %q", told.last(), report.Done)
	}

	for name, want := range map[string]string{"own": "own", "renamed": "patched 1.2.3"} {
		if got := runProgram(t, engine.Program(name)); got != want {
			t.Errorf("%s says %q: want %q", name, got, want)
		}
	}
	for path, want := range map[string]string{
		"share/crds/a.yaml":      "kind: A\n",
		"share/json/crds/a.json": `{"kind":"A"}`,
		"share/json/crds/b.txt":  "not wanted\n",
		"share/all/deep/er/file": "deep\n",
		"bin/tool.sh":            "#!/bin/sh\necho tool\n",
	} {
		got, err := os.ReadFile(filepath.Join(engine.Dir, path))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v: want %q", path, got, err, want)
		}
	}
	if _, err := os.Stat(engine.Share("crds", "b.txt")); err == nil {
		t.Error("a file that no pattern matches was copied")
	}
	if out, err := exec.Command(engine.Program("tool.sh")).Output(); err != nil || string(out) != "tool\n" {
		t.Errorf("the copied script says %q, %v", out, err)
	}
	if left, err := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestManifestSaysWhatIsInTheEngine(t *testing.T) {
	c := newSmallCache(t)
	engine := mustEnsure(t, c, report.Discard)
	m := engine.Manifest
	if m.OS != runtime.GOOS || m.Arch != runtime.GOARCH || m.Inputs != c.inputs || m.Hash != filepath.Base(engine.Dir) {
		t.Errorf("wrong: %+v", m)
	}
	if len(m.Programs) != 2 || m.Programs[1].Name != "renamed" || m.Programs[1].Version != smallVersion {
		t.Errorf("programs: %+v", m.Programs)
	}
	found, err := filesBelow(engine.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(m.all())+1 { // itself
		t.Errorf("the manifest lists %d files, and there are %q", len(m.all()), found)
	}
	for _, f := range m.all() {
		data, err := os.ReadFile(filepath.Join(engine.Dir, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if f.Size != int64(len(data)) || f.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s has another size or checksum than the manifest says", f.Path)
		}
	}
}

func TestCrossplanePackageIsTheFunctionsMetadataAndInputs(t *testing.T) {
	engine := mustEnsure(t, newSmallCache(t), report.Discard)
	p := engine.Manifest.Packages[0]
	file, err := os.Open(filepath.Join(engine.Dir, p.Path))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if want := "---\nkind: Function\n---\nkind: Input\n"; string(stream) != want {
		t.Errorf("the package holds %q: want %q", stream, want)
	}
	sum := sha256.Sum256(stream)
	if p.Name != "function" || p.Version != smallVersion || p.Digest != hex.EncodeToString(sum[:]) {
		t.Errorf("wrong: %+v", p)
	}
}

func TestEngineInTheCacheIsUsed(t *testing.T) {
	c := newSmallCache(t)
	mustEnsure(t, c, report.Discard)
	t.Setenv("GOPROXY", "off") // and nothing is downloaded
	t.Setenv("GOMODCACHE", t.TempDir())
	told := &recorder{}
	mustEnsure(t, c, told)
	if told.last() != report.Unchanged {
		t.Errorf("the second time it ended as %q: want %q", told.last(), report.Unchanged)
	}
}

func TestEngineInTheCacheNeedsNoTools(t *testing.T) {
	c := newSmallCache(t)
	engine := mustEnsure(t, c, report.Discard)
	t.Setenv("PATH", t.TempDir())
	again := mustEnsure(t, c, report.Discard)
	if again.Dir != engine.Dir {
		t.Errorf("got %s: want %s", again.Dir, engine.Dir)
	}
	if err := c.check(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

func TestIncompleteEngineIsBuiltAnew(t *testing.T) {
	c := newSmallCache(t)
	engine := mustEnsure(t, c, report.Discard)
	manifest := filepath.Join(engine.Dir, manifestName)
	for name, damage := range map[string]func() error{
		"a program is missing":     func() error { return os.Remove(engine.Program("own")) },
		"a program is truncated":   func() error { return os.Truncate(engine.Program("own"), 10) },
		"a file is missing":        func() error { return os.Remove(engine.Share("crds", "a.yaml")) },
		"a file is a link":         func() error { return replaceByLink(engine.Share("crds", "a.yaml")) },
		"the manifest is missing":  func() error { return os.Remove(manifest) },
		"the manifest is no JSON":  func() error { return os.WriteFile(manifest, []byte("{"), 0o644) },
		"the folder is empty":      func() error { return os.RemoveAll(filepath.Join(engine.Dir, "bin")) },
		"the manifest is of other": func() error { return rewriteManifest(engine, func(m *Manifest) { m.Arch = "pdp11" }) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			told := &recorder{}
			mustEnsure(t, c, told)
			if told.last() != report.Done {
				t.Errorf("it ended as %q: want %q", told.last(), report.Done)
			}
			if got := runProgram(t, engine.Program("own")); got != "own" {
				t.Errorf("the program says %q", got)
			}
		})
	}
}

func TestFailedBuildSaysWhyAndLeavesNothing(t *testing.T) {
	r := smallRecipe(t)
	r.modules[0].targets[0].pkg = "./broken"
	files := smallFiles()
	files["small/broken/main.go"] = "package main\n\nfunc main() { undefined() }\n"
	files["small/go.sum"] = sumOf(t, r)
	r.sources = packSources(t, files)
	c := cacheFor(t, t.TempDir(), r)
	told := &recorder{}
	_, err := c.ensure(t.Context(), "", told)
	if err == nil || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("got %v: want the compiler's words", err)
	}
	if told.last() != report.Failed {
		t.Errorf("the step ended as %q: want %q", told.last(), report.Failed)
	}
	entries, err := os.ReadDir(c.dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != lockName {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestBuildDoesNotDependOnSomeonesSettings(t *testing.T) {
	c := newSmallCache(t)
	t.Setenv("GOFLAGS", "-mod=vendor -ldflags=-X=main.version=wrong")
	t.Setenv("GOOS", "plan9")
	t.Setenv("GO111MODULE", "off")
	repository := t.TempDir()
	run(t, repository, "git", "init", "-q")
	run(t, repository, "git", "config", "apply.whitespace", "error-all")
	t.Setenv("GIT_DIR", filepath.Join(repository, ".git"))
	engine := mustEnsure(t, c, report.Discard)
	if got := runProgram(t, engine.Program("renamed")); got != "patched 1.2.3" {
		t.Errorf("it says %q", got)
	}
}

// runProgram returns what a program writes to its standard error.
func runProgram(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.Command(path)
	var words bytes.Buffer
	cmd.Stderr = &words
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(words.String())
}

func replaceByLink(path string) error {
	if err := os.Rename(path, path+".there"); err != nil {
		return err
	}
	return os.Symlink(path+".there", path)
}

func rewriteManifest(e *Engine, change func(*Manifest)) error {
	m := e.Manifest
	change(&m)
	return writeManifest(e.Dir, m)
}

// sumOf returns the go.sum of the small engine.
func sumOf(t *testing.T, r recipe) string {
	t.Helper()
	files, err := r.files()
	if err != nil {
		t.Fatal(err)
	}
	file, err := files.Open("small/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
