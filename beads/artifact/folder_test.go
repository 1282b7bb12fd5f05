package artifact

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadFSReturnsTheBeadsFilesAlone(t *testing.T) {
	system := fstest.MapFS{
		".git/config":                    {Data: []byte("x")},
		".gitignore":                     {Data: []byte("x")},
		".idea/workspace.xml":            {Data: []byte("x")},
		"composites/vendored/.git":       {Data: []byte("gitdir: elsewhere")},
		"application/chart/.helmignore":  {Data: []byte("kept")},
		"templates/gke/skeleton/.github": {Data: []byte("kept")},
	}
	want := example()
	for name, content := range want {
		system[name] = &fstest.MapFile{Data: content}
	}
	want["application/chart/.helmignore"] = []byte("kept")
	want["templates/gke/skeleton/.github"] = []byte("kept")
	files, err := ReadFS(system)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, files, want)
}

func TestFSHoldsTheFiles(t *testing.T) {
	system := FS(example())
	if err := fstest.TestFS(system, sorted(example())...); err != nil {
		t.Error(err)
	}
	files, err := ReadFS(system)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, files, example())
}

func TestReadFSNamesEveryFault(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bead.yaml"), "x")
	write(t, filepath.Join(dir, "large.yaml"), strings.Repeat("x", MaxFile+1))
	write(t, filepath.Join(dir, "composites", "a\nb.yaml"), "x")
	for name, target := range map[string]string{
		"composites/link.yaml": "../bead.yaml", "composites/out": "/etc", "policies": "composites", "gone": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := ReadFS(os.DirFS(dir))
	wantError(t, err, "large.yaml has 1048577 bytes: want at most 1048576", `"composites/a\nb.yaml" has a character`,
		"composites/link.yaml is a symbolic link", "composites/out is a symbolic link", "policies is a symbolic link",
		"gone is a symbolic link")
}

func TestReadFSRefusesWhatIsNoFile(t *testing.T) {
	_, err := ReadFS(fstest.MapFS{"composites/pipe": {Mode: fs.ModeNamedPipe}})
	wantError(t, err, "composites/pipe is no regular file")
}

func TestReadFSStopsWhereItIsTooMuch(t *testing.T) {
	system := make(fstest.MapFS)
	for name := range many(MaxFiles + 50) {
		system[name] = &fstest.MapFile{}
	}
	_, err := ReadFS(system)
	wantError(t, err, "f02000 is one file too many, want at most 2000")
	if strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("error %q, want one line", err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
