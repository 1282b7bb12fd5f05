package lint

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest"
)

// archive is a Bead in testdata. Its comment says what Lint must find: a line for each finding, as text output has it,
// or as much of it as matters, without the column. Lines that begin with # are for people. Files in schemas/ are what
// --schemas gives, those in beads/NAME/ are other Beads, and "huge: FILE" makes a file too large.
type archive struct {
	files   bead.Files
	options Options
	want    []string
}

func readArchive(t *testing.T, name string) archive {
	t.Helper()
	parsed, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	a := archive{files: bead.Files{}, options: Options{Backstack: "0.3.0", Tests: readTests}}
	schemas, others := fstest.MapFS{}, make(map[string]bead.Files)
	for _, file := range parsed.Files {
		rest := strings.SplitN(file.Name, "/", 3)
		switch {
		case rest[0] == "schemas":
			schemas[strings.TrimPrefix(file.Name, "schemas/")] = &fstest.MapFile{Data: file.Data}
		case rest[0] == "beads" && len(rest) == 3:
			if others[rest[1]] == nil {
				others[rest[1]] = bead.Files{}
			}
			others[rest[1]][rest[2]] = file.Data
		default:
			a.files[file.Name] = file.Data
		}
	}
	if len(schemas) > 0 {
		a.options.Schemas = schemas
	}
	if len(others) > 0 {
		a.options.Beads = finder(t, others)
	}
	for line := range strings.Lines(string(parsed.Comment)) {
		line = strings.TrimSpace(line)
		if huge, ok := strings.CutPrefix(line, "huge: "); ok {
			a.files[huge] = bytes.Repeat([]byte("# large\n"), artifact.MaxFile/8+1)
		} else if line != "" && !strings.HasPrefix(line, "#") {
			a.want = append(a.want, line)
		}
	}
	return a
}

// readTests reads a Bead's tests as the command does.
func readTests(files bead.Files) error {
	_, err := beadtest.Load(files)
	return err
}

func finder(t *testing.T, others map[string]bead.Files) func(string) (*bead.Folder, bool) {
	t.Helper()
	folders := make(map[string]*bead.Folder)
	for name, files := range others {
		folder, err := bead.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		folders[name] = folder
	}
	return func(name string) (*bead.Folder, bool) {
		folder, ok := folders[name]
		return folder, ok
	}
}

// withoutColumn is a finding as archives expect them.
func withoutColumn(f Finding) string {
	f.Column = 0
	return f.String()
}

// matches says whether a finding is what a line of an archive expects: the place, the severity and a part of the rest.
func matches(f Finding, want string) bool {
	head, part, ok := strings.Cut(want, ": "+string(f.Severity)+": ")
	f.Column = 0
	return ok && head == f.Where() && strings.Contains(f.Message+" ("+f.Rule+")", part)
}

func TestFaultyBeadsAreRefusedWithWhatIsWrong(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	const least = 60
	if len(names) < least {
		t.Errorf("there are %d archives in testdata: want at least %d", len(names), least)
	}
	reached := make(map[string]bool)
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a := readArchive(t, name)
			if len(a.want) == 0 {
				t.Fatal("the archive expects nothing: it belongs in testdata/good")
			}
			for _, finding := range expect(t, a) {
				reached[finding.Rule] = true
			}
		})
	}
	for _, rule := range Rules() {
		if !reached[rule.ID] {
			t.Errorf("no archive of testdata has a finding of rule %s", rule.ID)
		}
	}
}

func TestGoodBeadsHaveNothingWrong(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "good", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { expect(t, readArchive(t, name)) })
	}
}

// expect lints a Bead and compares what is found with what should be.
func expect(t *testing.T, a archive) []Finding {
	t.Helper()
	findings, err := Lint(context.Background(), a.files, a.options)
	if err != nil {
		t.Fatal(err)
	}
	missing := make(map[string]bool, len(a.want))
	for _, want := range a.want {
		missing[want] = true
	}
	for _, finding := range findings {
		expected := false
		for _, want := range a.want {
			if matches(finding, want) {
				expected = true
				delete(missing, want)
			}
		}
		if !expected {
			t.Errorf("unexpected: %s", withoutColumn(finding))
		}
	}
	for want := range missing {
		t.Errorf("not found: %s", want)
	}
	return findings
}

func TestTheBeadsOfTheLibraryHaveNothingWrong(t *testing.T) {
	entries, err := fs.ReadDir(os.DirFS(".."), "library")
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) (*bead.Folder, bool) {
		files, err := artifact.ReadFS(os.DirFS(filepath.Join("..", "library", name)))
		if err != nil {
			return nil, false
		}
		folder, err := bead.Load(files)
		return folder, err == nil
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		t.Run(entry.Name(), func(t *testing.T) {
			files, err := artifact.ReadFS(os.DirFS(filepath.Join("..", "library", entry.Name())))
			if err != nil {
				t.Fatal(err)
			}
			findings, err := Lint(context.Background(), files, Options{Beads: find, Tests: readTests})
			if err != nil {
				t.Fatal(err)
			}
			for _, finding := range findings {
				if finding.Rule != ruleComposedKind { // the providers' schemas are not part of the project
					t.Error(finding)
				}
			}
		})
	}
}

func TestRulesAreNamedOnceAndDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, rule := range Rules() {
		if rule.ID == "" || seen[rule.ID] || rule.Doc == "" || !strings.HasSuffix(rule.Doc, ".") {
			t.Errorf("rule %+v has no name of its own, or no description", rule)
		}
		if rule.Severity != Error && rule.Severity != Warning {
			t.Errorf("rule %s has severity %q", rule.ID, rule.Severity)
		}
		seen[rule.ID] = true
	}
}
