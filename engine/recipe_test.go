package engine

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/engine/internal/sources"
	"golang.org/x/mod/semver"
)

func TestEmbeddedSourcesAreThoseInTheFolders(t *testing.T) {
	packed, err := sources.Zip(os.DirFS("."), sources.Folders())
	if err != nil {
		t.Fatal(err)
	}
	if string(packed) != sourcesZip {
		t.Fatal("sources.zip is not what the folders hold: run go generate ./engine")
	}
}

func TestEveryProgramIsPinned(t *testing.T) {
	programs, err := Programs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range programs {
		if p.Name == "" || p.Component == "" || p.Module == "" || !semver.IsValid(p.Version) {
			t.Errorf("incomplete: %+v", p)
		}
		if seen[p.Name] {
			t.Errorf("twice: %s", p.Name)
		}
		seen[p.Name] = true
	}
	for _, name := range []string{
		"kubernetes", "argocd", "redis", "helm", "crossplane", "crossplane-functions", "kyverno", "gitea",
	} {
		if !seen[name] {
			t.Errorf("missing: %s", name)
		}
	}
}

func TestProgramsAreStampedWithTheirVersions(t *testing.T) {
	r := hubRecipe()
	flags, err := r.buildFlags(r.modules[0])
	if err != nil {
		t.Fatal(err)
	}
	pins, err := r.pins(r.modules[0])
	if err != nil {
		t.Fatal(err)
	}
	kubernetes, err := pins.version("k8s.io/kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	argocd, err := pins.version("github.com/argoproj/argo-cd/v3")
	if err != nil {
		t.Fatal(err)
	}
	numbers := strings.Split(strings.TrimPrefix(kubernetes, "v"), ".")
	linker := strings.Fields(strings.TrimPrefix(flags[len(flags)-1], "-ldflags="))
	for _, want := range []string{
		"k8s.io/component-base/version.gitVersion=" + kubernetes,
		"k8s.io/component-base/version.gitMajor=" + numbers[0],
		"k8s.io/component-base/version.gitMinor=" + numbers[1],
		"github.com/argoproj/argo-cd/v3/common.version=" + strings.TrimPrefix(argocd, "v"),
	} {
		if !slices.Contains(linker, want) {
			t.Errorf("no %s in %q", want, linker)
		}
	}
}

func TestHashChangesWithWhatAnEngineIsMadeFrom(t *testing.T) {
	base := func() recipe {
		return recipe{sources: packSources(t, smallFiles()), modules: []nestedModule{{
			dir:     "small",
			targets: []target{{name: "own", module: smallModule, pkg: "./own", stamps: []stamp{{"main.v", full}}}},
			copies:  []fileCopy{{module: smallModule, from: []string{"a"}, to: "share"}},
		}}}
	}
	inputs := func(r recipe) string {
		hash, err := r.inputs()
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	want := inputs(base())
	if got := inputs(base()); got != want {
		t.Fatalf("the same recipe has the hashes %s and %s", want, got)
	}
	for name, change := range map[string]func(*recipe){
		"a source": func(r *recipe) {
			files := smallFiles()
			files["small/own/main.go"] += "\n"
			r.sources = packSources(t, files)
		},
		"a stamp":          func(r *recipe) { r.modules[0].targets[0].stamps[0].form = bare },
		"a tag":            func(r *recipe) { r.modules[0].tags = []string{"tag"} },
		"cgo":              func(r *recipe) { r.modules[0].cgo = true },
		"a program's name": func(r *recipe) { r.modules[0].targets[0].name = "other" },
		"copied files":     func(r *recipe) { r.modules[0].copies[0].from[0] = "b" },
		"a trim":           func(r *recipe) { r.modules[0].copies[0].trims = []trim{{definition: "d"}} },
		"a package":        func(r *recipe) { r.modules[0].packages = []functionPackage{{name: "p"}} },
	} {
		r := base()
		change(&r)
		if inputs(r) == want {
			t.Errorf("%s changes, and the hash does not", name)
		}
	}
	if hashWith(want, "go1.26.8") == hashWith(want, "go1.26.9") {
		t.Error("the version of Go changes, and the hash does not")
	}
}

func TestHighestGoVersionOfTheModulesIsNeeded(t *testing.T) {
	files := map[string]string{"a/go.mod": "module a\n\ngo 1.26.6\n", "b/go.mod": "module b\n\ngo 1.9\n"}
	r := recipe{sources: packSources(t, files), modules: []nestedModule{{dir: "b"}, {dir: "a"}}}
	if got, err := r.goVersion(); err != nil || got != "1.26.6" {
		t.Fatalf("got %q, %v: want 1.26.6", got, err)
	}
}

func TestPathBelongsToTheModuleWithTheLongestPath(t *testing.T) {
	r := recipe{sources: packSources(t, map[string]string{
		"a/go.mod": "module a\n\ngo 1.26\n\nrequire (\n\tx.test/m/v2 v2.0.0\n\tx.test/m v1.0.0\n)\n",
	})}
	pins, err := r.pins(nestedModule{dir: "a"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"x.test/m/v2/file.go":  "x.test/m/v2",
		"x.test/m/v20/file.go": "x.test/m",
		"x.test/mm/file.go":    "",
		"x.test/m":             "",
	} {
		if got := pins.owner(path); got != want {
			t.Errorf("%s belongs to %q: want %q", path, got, want)
		}
	}
}

func TestFaultySourcesAreRefused(t *testing.T) {
	of := func(path, content string) string { return packSources(t, map[string]string{path: content}) }
	for name, sources := range map[string]string{
		"no zip":            "text",
		"no go.mod":         of("a/main.go", ""),
		"a broken go.mod":   of("a/go.mod", "?"),
		"no version of Go":  of("a/go.mod", "module a\n"),
		"an unknown module": of("a/go.mod", "module a\n\ngo 1.26\n"),
	} {
		r := recipe{sources: sources, modules: []nestedModule{{dir: "a", targets: []target{{module: "example.test/b"}}}}}
		if _, err := r.inputs(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSourcesHoldOnlyWhatABuildReads(t *testing.T) {
	files := smallFiles()
	files["small/own/main_test.go"] = "package main\n"
	files["small/README.md"] = "text"
	files["small/own/.hidden/x.go"] = "package hidden\n"
	packed := packSources(t, files)
	names := zipNames(t, packed)
	if !slices.IsSorted(names) {
		t.Errorf("not in order: %q", names)
	}
	for _, name := range names {
		if base := path.Base(name); base == "main_test.go" || base == "README.md" {
			t.Errorf("%s is in the sources", name)
		}
	}
	if packSources(t, files) != packed {
		t.Error("the same files make different bytes")
	}
}

// TestOthersHaveTheEnginesKubernetes keeps Go from compiling Kubernetes' libraries once for the engine and again for the
// command or for the tests' Traefik: another version of a single module below them is enough.
func TestOthersHaveTheEnginesKubernetes(t *testing.T) {
	r := hubRecipe()
	pins, err := r.pins(r.modules[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"..", "../test/kind/stage/programs"} {
		list := exec.Command("go", "list", "-mod=readonly", "-deps", "-f",
			"{{with .Module}}{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}{{end}}", "k8s.io/client-go/kubernetes")
		list.Dir = dir
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		modules := map[string]string{}
		for line := range strings.Lines(string(out)) {
			if name, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
				modules[name] = version
			}
		}
		if modules["k8s.io/client-go"] == "" {
			t.Fatalf("in %s go list names the modules %v: want k8s.io/client-go among them", dir, modules)
		}
		for _, name := range slices.Sorted(maps.Keys(modules)) {
			if version, err := pins.version(name); err != nil || version != modules[name] {
				t.Errorf("%s/go.mod has %s %s and engine/platform/go.mod %s (%v): want one version",
					dir, name, modules[name], version, err)
			}
		}
	}
}
