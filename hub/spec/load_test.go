package spec

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// files returns the contents of testdata files by their names.
func files(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata/%s: no files, %v", pattern, err)
	}
	contents := make(map[string][]byte, len(paths))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		contents[filepath.Base(path)] = data
	}
	return contents
}

// Each file in testdata/bogus is named after what is wrong with it, and begins with the faults that it must be refused
// with, all of them and no others.
func TestLoadRefusesBogusFiles(t *testing.T) {
	bogus := files(t, "bogus/*.yaml")
	if len(bogus) < 70 {
		t.Errorf("%d bogus files, want at least 70", len(bogus))
	}
	for name, data := range bogus {
		t.Run(name, func(t *testing.T) {
			var want []string
			for line := range strings.Lines(string(data)) {
				if fault, found := strings.CutPrefix(line, "# want: "); found {
					want = append(want, strings.TrimSuffix(fault, "\n"))
				}
			}
			h, err := Load(data, "hub.yaml")
			if err == nil {
				t.Fatalf("loaded %+v", h)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, want) {
				t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			if strings.Contains(err.Error(), "swordfish") {
				t.Error("a message shows a password")
			}
		})
	}
}

func TestLoadRefusesWhatCannotHaveAComment(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"an empty file": {"", "hub.yaml: is empty, or holds comments alone"},
		"a large file": {strings.Repeat("#\n", strictyaml.MaxSize/2+1),
			"hub.yaml: is larger than 1 MiB: want a document of a few hundred lines"},
		"a program": {"\x7fELF\x02\x01\x01\x00", `hub.yaml:1: holds the control character "\x7f": take it out`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load([]byte(c.data), "hub.yaml"); err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestLoadGivesFaultsAsValues(t *testing.T) {
	data := "apiVersion: backstack.dev/v1alpha1\nkind: Hub\nmetadata: {name: demo}\nspec:\n  provider: ek\n  color: red\n"
	_, err := Load([]byte(data), "hub.yaml")
	var faults strictyaml.Faults
	if !errors.As(err, &faults) {
		t.Fatalf("error %v, want strictyaml.Faults", err)
	}
	want := strictyaml.Faults{
		{Source: "hub.yaml", Line: 5, Column: 3, Path: "spec.provider", Message: `"ek" is not a provider: ` +
			`want one of embedded, kind, eks, gke, existing (did you mean eks?)`},
		{Source: "hub.yaml", Line: 6, Column: 3, Path: "spec.color", Message: `unknown field: want one of provider, ` +
			`repositories, components, policies, beads, charts, registry, ingress, embedded, kind, existing`},
	}
	if !slices.Equal(faults, want) {
		t.Errorf("faults\n%v\nwant\n%v", faults, want)
	}
}

func TestLoadHoldsWhatWasWrittenAndNoDefaults(t *testing.T) {
	h, err := Load(files(t, "valid/*.yaml")["smallest.yaml"], "hub.yaml")
	if err != nil || !reflect.DeepEqual(h, Default("demo")) {
		t.Errorf("loaded %+v, %v", h, err)
	}
}

func TestMarshalledHubsLoadAsTheyAre(t *testing.T) {
	for name, data := range files(t, "valid/*.yaml") {
		t.Run(name, func(t *testing.T) {
			if !checkRoundTrip(t, data) {
				t.Error("does not load")
			}
		})
	}
}

// checkRoundTrip checks that a hub that loads is marshalled to YAML that loads and resolves as the hub does and that is
// marshalled to itself. It reports whether the hub loads.
func checkRoundTrip(t *testing.T, data []byte) bool {
	t.Helper()
	h, err := Load(data, "hub.yaml")
	if err != nil {
		return false
	}
	first, err := Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(first, "marshalled")
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	if got, want := Resolve(loaded), Resolve(h); !reflect.DeepEqual(got, want) {
		t.Errorf("loaded\n%#v\nwant\n%#v\nfrom\n%s", got, want, first)
	}
	second, err := Marshal(loaded)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("marshalled, %v\n%s\nwant\n%s", err, second, first)
	}
	return true
}

func TestMarshalIsCanonical(t *testing.T) {
	for input, golden := range map[string]string{
		"smallest.yaml":               "smallest.yaml",
		"nothing-filled-in.yaml":      "smallest.yaml",
		"everything.yaml":             "everything.yaml",
		"cloud.yaml":                  "cloud.yaml",
		"kind-smallest.yaml":          "kind-smallest.yaml",
		"kind-nothing-filled-in.yaml": "kind-smallest.yaml",
		"kind.yaml":                   "kind.yaml",
		"existing.yaml":               "existing.yaml",
	} {
		t.Run(input, func(t *testing.T) {
			h, err := Load(files(t, "valid/*.yaml")[input], input)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Marshal(h)
			want := files(t, "golden/*.yaml")[golden]
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("marshalled, %v\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"valid/*.yaml", "golden/*.yaml", "bogus/*.yaml"} {
		for _, data := range files(f, pattern) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkRoundTrip(t, data) })
}
