package scaffold

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// inEmptyFolder makes an empty folder the current one.
func inEmptyFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
}

// entries lists what is in a folder.
func entries(t *testing.T, dir string) []string {
	t.Helper()
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range found {
		names = append(names, entry.Name())
	}
	return names
}

func TestANewBeadIsInTheFolderOfItsName(t *testing.T) {
	inEmptyFolder(t)
	dir, files, err := Create(Request{Name: "postgres"})
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(dir) != "postgres" || !filepath.IsAbs(dir) {
		t.Errorf("the folder is %s: want the absolute path of postgres", dir)
	}
	written, err := artifact.ReadFS(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(written) != len(files) {
		t.Errorf("%d files were written: want %d", len(written), len(files))
	}
	for name, content := range files {
		if string(written[name]) != string(content) {
			t.Errorf("%s was not written as it is", name)
		}
	}
	if got := entries(t, "."); !slices.Equal(got, []string{"postgres"}) {
		t.Errorf("there is %v beside it: want nothing", got)
	}
}

func TestOthersCanReadANewBead(t *testing.T) {
	inEmptyFolder(t)
	dir, _, err := Create(Request{Name: "postgres"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("ordinary", 0o755); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat("ordinary")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.Stat(dir); err != nil || got.Mode() != want.Mode() {
		t.Errorf("the folder has mode %v (%v): want %v, as any other", got.Mode(), err, want.Mode())
	}
}

func TestAnEmptyFolderIsTaken(t *testing.T) {
	inEmptyFolder(t)
	dir := filepath.Join("deep", "er", "here")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Create(Request{Name: "postgres", Dir: dir, Parts: []string{"policies"}}); err != nil {
		t.Fatal(err)
	}
	if got, want := entries(t, dir), []string{"README.md", "bead.yaml", "policies", "tests"}; !slices.Equal(got, want) {
		t.Errorf("the folder has %v: want %v", got, want)
	}
}

func TestFoldersAboveAreMade(t *testing.T) {
	inEmptyFolder(t)
	if _, _, err := Create(Request{Name: "postgres", Dir: filepath.Join("a", "b")}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("a", "b", bead.FileName)); err != nil {
		t.Error(err)
	}
}

func TestAWrongRequestIsRefusedWholeAndTouchesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		request Request
		want    []string
	}{
		"everything": {
			Request{Name: "My_Bead", Parts: []string{"polcies", "composites", "magic"}, Dir: "full"},
			[]string{
				`NAME: "My_Bead" is not a DNS label: want lower-case letters`,
				`--with: "polcies" is no part of a Bead: want one of application, templates, composites, policies (did you mean policies?)`,
				`--with: "magic" is no part of a Bead`,
				"--dir: full is not empty",
			},
		},
		"a name that is too long": {
			Request{Name: strings.Repeat("a", 41)}, []string{"has 41 characters: want at most 40"},
		},
		"a path for a name":     {Request{Name: "../postgres"}, []string{`NAME: "../postgres" is not a DNS label`}},
		"a folder of that name": {Request{Name: "full"}, []string{"full is not empty"}},
		"a file of that name":   {Request{Name: "file"}, []string{"file is there already and is no folder"}},
		"a link of that name":   {Request{Name: "link"}, []string{"link is there already and is no folder"}},
		"the current folder":    {Request{Name: "postgres", Dir: "../here"}, []string{"../here is the current folder"}},
	} {
		t.Run(name, func(t *testing.T) {
			inEmptyFolder(t)
			prepare(t, name == "the current folder")
			before := entries(t, ".")
			_, _, err := Create(test.request)
			var faults strictyaml.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("the error is %v: want faults", err)
			}
			if len(faults) != len(test.want) {
				t.Errorf("there are %d faults: want %d:\n%v", len(faults), len(test.want), err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
			if after := entries(t, "."); !slices.Equal(before, after) {
				t.Errorf("there is %v now: want %v, as before", after, before)
			}
		})
	}
}

// prepare makes things that are in the way, or makes the current folder an empty one called here.
func prepare(t *testing.T, empty bool) {
	t.Helper()
	if empty {
		if err := os.Mkdir("here", 0o755); err != nil {
			t.Fatal(err)
		}
		t.Chdir("here")
		return
	}
	if err := os.MkdirAll(filepath.Join("full", "of"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("full", "link"); err != nil {
		t.Fatal(err)
	}
}

// Somebody may have put something there since the request was checked.
func TestAFolderThatIsNotEmptyIsNeverReplaced(t *testing.T) {
	inEmptyFolder(t)
	prepare(t, false)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	before := entries(t, ".")
	for _, name := range []string{"full", "file", "link"} {
		if err := write(filepath.Join(here, name), bead.Files{"bead.yaml": []byte("new")}); err == nil {
			t.Errorf("%s was replaced: want an error", name)
		}
	}
	if after := entries(t, "."); !slices.Equal(before, after) {
		t.Errorf("there is %v now: want %v, as before", after, before)
	}
	if got := entries(t, "full"); !slices.Equal(got, []string{"of"}) {
		t.Errorf("the folder has %v: want what it had", got)
	}
}
