package engine

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/back-stack/backstack/engine/internal/sources"
	"github.com/back-stack/backstack/internal/report"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

// The small engine has everything that the hub's has, and builds in a second: a nested module with two programs, one of
// its own and one of a module that it pins, that is patched, and from which files are taken.
const (
	smallModule  = "example.test/dep"
	smallVersion = "v1.2.3"

	smallProgram = `package main

var version string

func main() {
	println("upstream", version)
}
`

	// The patch adds a space at the end of a line, which some configurations of git refuse.
	smallPatch = `The word is changed, to see that patches are applied.

--- a/example.test/dep/cmd/other/main.go
+++ b/example.test/dep/cmd/other/main.go
@@ -3,5 +3,5 @@
 var version string
 
 func main() {
-	println("upstream", version)
+	println("patched", version)` + " " + `
 }
`
)

// smallFiles are the small engine's sources, without go.sum.
func smallFiles() map[string]string {
	return map[string]string{
		"small/go.mod": "module example.test/small\n\ngo 1.21\n\nrequire " + smallModule + " " + smallVersion +
			" // indirect\n",
		"small/own/main.go":         "package main\n\nfunc main() { println(\"own\") }\n",
		"small/patches/other.patch": smallPatch,
	}
}

// smallDependency is the module that the small engine pins.
func smallDependency() map[string]string {
	return map[string]string{
		"go.mod":                  "module " + smallModule + "\n\ngo 1.21\n",
		"cmd/other/main.go":       smallProgram,
		"crds/a.yaml":             "kind: A\n",
		"crds/b.txt":              "not wanted\n",
		"deep/er/file":            "deep\n",
		"hack/tool.sh":            "#!/bin/sh\necho tool\n",
		"package/crossplane.yaml": "---\nkind: Function\n",
		"package/input/in.yaml":   "kind: Input\n",
	}
}

// smallRecipe makes the small engine. Its dependency comes from a module proxy that t serves, into a module cache of
// t's.
func smallRecipe(t *testing.T) recipe {
	t.Helper()
	sum := serveDependency(t, smallDependency())
	files := smallFiles()
	files["small/go.sum"] = sum
	return smallRecipeOf(packSources(t, files))
}

// smallRecipeOf makes the small engine of the given sources.
func smallRecipeOf(sources string) recipe {
	return recipe{sources: sources, modules: []nestedModule{{
		dir: "small",
		targets: []target{
			{name: "own", component: "first", module: smallModule, pkg: "./own"},
			{name: "renamed", component: "second", module: smallModule, pkg: smallModule + "/cmd/other", stamps: []stamp{
				{"main.version", bare},
			}},
		},
		copies: []fileCopy{
			{module: smallModule, from: []string{"crds/*.yaml"}, to: "share/crds"},
			{module: smallModule, from: []string{"crds"}, to: "share/json", asJSON: true},
			{module: smallModule, from: []string{"deep"}, to: "share/all"},
			{module: smallModule, from: []string{"hack/tool.sh"}, to: "bin"},
		},
		packages: []functionPackage{{name: "function", module: smallModule}},
	}}}
}

// packSources makes a recipe's sources of files, by their paths.
func packSources(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, files)
	folders := map[string]bool{}
	for path := range files {
		folder, _, _ := strings.Cut(path, "/")
		folders[folder] = true
	}
	var names []string
	for folder := range folders {
		names = append(names, folder)
	}
	packed, err := sources.Zip(os.DirFS(dir), names)
	if err != nil {
		t.Fatal(err)
	}
	return string(packed)
}

// serveDependency makes a module of the files available to Go, and returns the go.sum lines for it.
func serveDependency(t *testing.T, files map[string]string) (sum string) {
	t.Helper()
	proxy, source := t.TempDir(), t.TempDir()
	writeTree(t, source, files)
	versions := filepath.Join(proxy, smallModule, "@v")
	writeTree(t, versions, map[string]string{
		"list":                 smallVersion + "\n",
		smallVersion + ".info": fmt.Sprintf("{\"Version\":%q}", smallVersion),
		smallVersion + ".mod":  files["go.mod"],
	})
	var zipped bytes.Buffer
	if err := modzip.CreateFromDir(&zipped, module.Version{Path: smallModule, Version: smallVersion}, source); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(versions, smallVersion+".zip")
	if err := os.WriteFile(archive, zipped.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	zipSum, err := dirhash.HashZip(archive, dirhash.Hash1)
	if err != nil {
		t.Fatal(err)
	}
	modSum, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(files["go.mod"])), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	useProxy(t, "file://"+proxy)
	return fmt.Sprintf("%[1]s %[2]s %[3]s\n%[1]s %[2]s/go.mod %[4]s\n", smallModule, smallVersion, zipSum, modSum)
}

// useProxy has Go download modules from the given place, into a module cache that goes with the test.
func useProxy(t *testing.T, url string) {
	t.Helper()
	cache := t.TempDir()
	t.Setenv("GOPROXY", url)
	t.Setenv("GONOPROXY", "none")
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GOMODCACHE", cache)
	t.Cleanup(func() { // Go makes it read-only
		if out, err := exec.Command("chmod", "-R", "u+w", cache).CombinedOutput(); err != nil {
			t.Errorf("making the module cache removable: %v: %s", err, out)
		}
	})
}

// newSmallCache returns a cache for the small engine, and its folder.
func newSmallCache(t *testing.T) *cache {
	t.Helper()
	return cacheFor(t, t.TempDir(), smallRecipe(t))
}

func cacheFor(t *testing.T, root string, r recipe) *cache {
	t.Helper()
	c, err := newCache(root, r)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustEnsure returns the cache's engine.
func mustEnsure(t *testing.T, c *cache, to report.Reporter) *Engine {
	t.Helper()
	engine, err := c.ensure(t.Context(), "", to)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// writeTree writes files by their slash-separated paths below dir.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, content := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// recorder keeps the events that it is told.
type recorder struct {
	mu     sync.Mutex
	events []report.Event
	on     func(report.Event) // may be nil
}

func (r *recorder) Report(e report.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	if r.on != nil {
		r.on(e)
	}
}

// last is the state in which the work ended.
func (r *recorder) last() report.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[len(r.events)-1].State
}

// said tells whether a message contained the words.
func (r *recorder) said(words string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if strings.Contains(e.Message, words) {
			return true
		}
	}
	return false
}

// zipNames lists what is in a zip.
func zipNames(t *testing.T, data string) []string {
	t.Helper()
	archive, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range archive.File {
		names = append(names, f.Name)
	}
	return names
}
