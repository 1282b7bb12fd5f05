package scaffold

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/back-stack/backstack/beads/bead"
)

var update = flag.Bool("update", false, "write what is made to the golden file in testdata")

// combinations are all sets of parts that a Bead can be started with.
func combinations() [][]bead.Part {
	all := bead.Parts()
	var sets [][]bead.Part
	for bits := 1; bits < 1<<len(all); bits++ {
		var set []bead.Part
		for i, part := range all {
			if bits&(1<<i) != 0 {
				set = append(set, part)
			}
		}
		sets = append(sets, set)
	}
	return sets
}

// made returns the files of a new Bead.
func made(t *testing.T, name string, parts ...bead.Part) bead.Files {
	t.Helper()
	files, err := Files(name, parts)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// rendered loads and renders a new Bead with its defaults.
func rendered(t *testing.T, files bead.Files) (*bead.Folder, *bead.Rendered) {
	t.Helper()
	folder, err := bead.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	values, err := folder.Values(nil, "parameters")
	if err != nil {
		t.Fatal(err)
	}
	hub := bead.Hub{Name: "hub", URL: "https://git.example/org/hub.git", Requests: "https://git.example/org/requests.git"}
	out, err := folder.Render(context.Background(), hub, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return folder, out
}

func TestEveryCombinationOfPartsLoadsAndRenders(t *testing.T) {
	for _, parts := range combinations() {
		t.Run(fmt.Sprint(parts), func(t *testing.T) {
			files := made(t, "postgres", parts...)
			folder, out := rendered(t, files)
			if got := fmt.Sprint(folder.Parts()); got != fmt.Sprint(parts) {
				t.Errorf("the Bead has the parts %s: want %v", got, parts)
			}
			if len(out.Objects())+len(out.Catalog) == 0 {
				t.Error("it amounts to nothing")
			}
			for name, content := range files {
				if bytes.Contains(content, []byte("[[ ")) || bytes.Contains(content, []byte("<no value>")) {
					t.Errorf("%s is not filled in:\n%s", name, content)
				}
				if !bytes.HasSuffix(content, []byte("\n")) || bytes.HasPrefix(content, []byte("\n")) {
					t.Errorf("%s does not end with a line, or begins with an empty one", name)
				}
			}
		})
	}
}

func TestEveryPartHasATestAndParametersAreUsed(t *testing.T) {
	for _, parts := range combinations() {
		t.Run(fmt.Sprint(parts), func(t *testing.T) {
			files := made(t, "postgres", parts...)
			for _, part := range parts {
				if _, ok := files["tests/"+string(part)+".yaml"]; !ok {
					t.Errorf("part %s has no test", part)
				}
			}
			folder, _ := rendered(t, files)
			for name := range folder.Spec.Parameters {
				if !uses(folder, ".Values."+name) {
					t.Errorf("parameter %s is used nowhere", name)
				}
				if !strings.Contains(string(files["README.md"]), "`"+name+"`") {
					t.Errorf("README.md does not know parameter %s", name)
				}
			}
		})
	}
}

// uses says whether a file that is a template has the text.
func uses(folder *bead.Folder, text string) bool {
	for _, part := range bead.Parts() {
		for _, content := range folder.Templates(part) {
			if bytes.Contains(content, []byte(text)) {
				return true
			}
		}
	}
	return false
}

// Names that YAML takes for something else, that begin with a digit, or that have a plural of their own.
func TestEveryNameMakesAGoodBead(t *testing.T) {
	for name, kind := range map[string]string{
		"a": "A", "true": "True", "null": "Null", "123": "Bead123", "1e3": "Bead1e3", "0x1f": "Bead0x1f", "2-tier": "Bead2Tier",
		"message-queue": "MessageQueue", "a--b": "AB", "yes": "Yes", strings.Repeat("x", 40): "X" + strings.Repeat("x", 39),
	} {
		t.Run(name, func(t *testing.T) {
			files := made(t, name, bead.Parts()...)
			folder, out := rendered(t, files)
			if folder.Metadata.Name != name {
				t.Errorf("the Bead is called %q", folder.Metadata.Name)
			}
			found := false
			for _, m := range out.Objects() {
				if m.Object.GetKind() == "CompositeResourceDefinition" {
					names := m.Object.Object["spec"].(map[string]any)["names"].(map[string]any)
					found = names["kind"] == kind
				}
			}
			if !found {
				t.Errorf("no kind %s is defined", kind)
			}
		})
	}
}

func TestPlural(t *testing.T) {
	for word, want := range map[string]string{
		"queue": "queues", "postgres": "postgreses", "policy": "policies", "key": "keys", "box": "boxes", "batch": "batches", "y": "ys",
	} {
		if got := plural(word); got != want {
			t.Errorf("plural(%s) is %s: want %s", word, got, want)
		}
	}
}

func TestABeadWithAllParts(t *testing.T) {
	archive := new(txtar.Archive)
	for name, content := range made(t, "greeting", bead.Parts()...).All() {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: content})
	}
	got, golden := txtar.Format(archive), filepath.Join("testdata", "greeting.txtar")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the Bead is not that of %s: run the test with -update and look at the difference", golden)
	}
}
