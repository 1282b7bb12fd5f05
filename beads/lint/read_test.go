package lint

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/back-stack/backstack/beads/artifact"
)

func TestWhatAFolderMayNotHoldIsAFinding(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("bead.yaml",
		[]byte("apiVersion: backstack.dev/v1alpha1\nkind: Bead\nmetadata: {name: demo}\n"+
			"spec: {version: 0.1.0, description: A}\n"))
	write("application/big.yaml", make([]byte, artifact.MaxFile+1))
	write(".git/config", []byte("[core]\n"))
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "application", "link.yaml")); err != nil {
		t.Fatal(err)
	}
	findings, err := Folder(context.Background(), os.DirFS(dir), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"application/big.yaml: error: has 1048577 bytes: want at most 1048576 (file-refused)",
		"application/link.yaml: error: is no regular file: a Bead holds files and folders, and no links (file-refused)",
	}
	if len(findings) != len(want) {
		t.Fatalf("the findings are %v: want %v", findings, want)
	}
	for i, finding := range findings {
		if finding.String() != want[i] {
			t.Errorf("finding %d is %s: want %s", i, finding, want[i])
		}
	}
}
