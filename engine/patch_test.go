package engine

import (
	"bytes"
	"context"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/report"
	"golang.org/x/mod/modfile"
)

// The patches are tried on the real sources of the modules that are pinned, which are downloaded if need be.
func TestPatchesApplyToThePinnedModules(t *testing.T) {
	for _, m := range hubRecipe().modules {
		t.Run(m.dir, func(t *testing.T) {
			w := openWorkspace(t, hubRecipe(), m)
			patches, err := w.patches(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.download(t.Context(), patches); err != nil {
				t.Fatal(err)
			}
			if err := w.applyPatches(t.Context(), patches); err != nil {
				t.Fatal(err)
			}
			for _, p := range patches {
				checkPatched(t, w, p)
			}
		})
	}
}

// checkPatched says whether a patch has an explanation, and whether the files that it has changed are Go still.
func checkPatched(t *testing.T, w *workspace, p patch) {
	t.Helper()
	text, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := bytes.Cut(text, []byte("\n")); len(first) == 0 || bytes.HasPrefix(first, []byte("---")) {
		t.Errorf("%s does not begin with why it is needed", p.name())
	}
	for line := range strings.Lines(string(text)) {
		name, changed := strings.CutPrefix(strings.TrimSpace(line), "+++ b/")
		if !changed {
			continue
		}
		path := filepath.Join(w.dir, patchedDir, name)
		if _, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution); err != nil {
			t.Errorf("%s: %v", p.name(), err)
		}
	}
	gomod, err := os.ReadFile(filepath.Join(w.dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := modfile.Parse("go.mod", gomod, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range p.modules {
		if !replacedByFolder(parsed, m) {
			t.Errorf("%s is patched but its original is built", m)
		}
	}
}

func replacedByFolder(file *modfile.File, module string) bool {
	for _, r := range file.Replace {
		if r.Old.Path == module && r.New.Path == "./patched/"+module {
			return true
		}
	}
	return false
}

func TestPatchThatDoesNotApplyIsNamed(t *testing.T) {
	for name, c := range map[string]struct{ patch, want string }{
		"other content":    {strings.ReplaceAll(smallPatch, "upstream", "downstream"), "patch does not apply"},
		"an unknown path":  {strings.ReplaceAll(smallPatch, smallModule, "example.test/unknown"), errOutside.Error()},
		"a missing file":   {strings.ReplaceAll(smallPatch, "other/main.go", "other/none.go"), "No such file"},
		"not a patch":      {"just words\n", "No valid patches"},
		"a path above all": {strings.ReplaceAll(smallPatch, smallModule+"/", "../../"), errOutside.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			r := smallRecipe(t)
			files := smallFiles()
			files["small/go.sum"] = sumOf(t, r)
			files["small/patches/other.patch"] = c.patch
			r.sources = packSources(t, files)
			_, err := cacheFor(t, t.TempDir(), r).ensure(t.Context(), "", report.Discard)
			if err == nil || !strings.Contains(err.Error(), "other.patch") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v: want other.patch and %q", err, c.want)
			}
		})
	}
}

func TestPatchesApplyInsideARepository(t *testing.T) {
	root := t.TempDir()
	run(t, root, "git", "init", "-q")
	run(t, root, "git", "config", "apply.whitespace", "error-all")
	engine := mustEnsure(t, cacheFor(t, filepath.Join(root, "cache"), smallRecipe(t)), report.Discard)
	if got := runProgram(t, engine.Program("renamed")); got != "patched 1.2.3" {
		t.Errorf("it says %q", got)
	}
}

// openWorkspace unpacks one nested module of a recipe.
func openWorkspace(t *testing.T, r recipe, m nestedModule) *workspace {
	t.Helper()
	c := cacheFor(t, t.TempDir(), r)
	b, err := newBuilder(context.WithoutCancel(t.Context()), c)
	if err != nil {
		t.Fatal(err)
	}
	if b.tools == nil {
		t.Fatal(b.lacks)
	}
	files, err := r.files()
	if err != nil {
		t.Fatal(err)
	}
	scratch := t.TempDir()
	if err := os.CopyFS(filepath.Join(scratch, "src"), files); err != nil {
		t.Fatal(err)
	}
	silent := &progress{step: report.Start(report.Discard, stepName, "")}
	w, err := b.newWorkspace(m, filepath.Join(scratch, "src", m.dir), scratch, silent)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}
