package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestABeadsFolderIsTestedAsItIsPackaged(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"bead.yaml": "apiVersion: backstack.dev/v1alpha1\nkind: Bead\nmetadata: {name: a}\n" +
			"spec: {version: 0.1.0, description: For tests}\n",
		"application/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"application/.git":        "gitdir: elsewhere",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := readBead(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(folder.Files) != 2 {
		t.Errorf("it has %d files: want the two that are the Bead's", len(folder.Files))
	}
	for _, name := range []string{"tests", "policies"} {
		if err := os.Symlink("application", filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = readBead(dir)
	for _, want := range []string{"tests is a symbolic link", "policies is a symbolic link"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v: want %q", err, want)
		}
	}
}
