package stage

import (
	"bytes"
	"os"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/modfile"
)

func TestTagsAreTheVersionsThatAreBuilt(t *testing.T) {
	data, err := os.ReadFile("programs/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	pins, err := modfile.Parse("programs/go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"github.com/traefik/traefik/v3": traefikVersion, "github.com/hashicorp/http-echo": httpEchoTag,
	}
	for _, r := range pins.Require {
		if version, ours := want[r.Mod.Path]; ours && r.Mod.Version != "v"+version {
			t.Errorf("%s is %s: want v%s", r.Mod.Path, r.Mod.Version, version)
		}
		delete(want, r.Mod.Path)
	}
	if len(want) > 0 {
		t.Errorf("not pinned: %v", want)
	}
}

func TestAnotherSourceMakesAnotherStage(t *testing.T) {
	hash := func(files map[string]string) string {
		sources := fstest.MapFS{}
		for name, text := range files {
			sources[name] = &fstest.MapFile{Data: []byte(text)}
		}
		var h bytes.Buffer
		if err := hashSources(&h, sources); err != nil {
			t.Fatal(err)
		}
		return h.String()
	}
	before := hash(map[string]string{"a.go": "a", "b/go.mod": "b"})
	for name, files := range map[string]map[string]string{
		"a change":   {"a.go": "A", "b/go.mod": "b"},
		"a file":     {"a.go": "a", "b/go.mod": "b", "c.tpl": ""},
		"fewer":      {"a.go": "a"},
		"other name": {"A.go": "a", "b/go.mod": "b"},
	} {
		if hash(files) == before {
			t.Errorf("%s changes nothing", name)
		}
	}
	if hash(map[string]string{
		"a.go": "a", "b/go.mod": "b", "a_test.go": "", "b/README.md": "", "registry/a.go": "",
	}) != before {
		t.Error("tests, words or the registry change something")
	}
}
