package atomicfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWritesTheWholeWithItsModeAndNothingBesideIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, content := range []string{"first", "second, which is longer", ""} {
		if err := Write(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil || string(data) != content {
			t.Errorf("got %q, %v, want %q", data, err, content)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
		}
		checkNames(t, filepath.Dir(path), "token")
	}
}

func TestAFileThatIsAsItShouldBeIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	inode := func(content string, mode os.FileMode) os.FileInfo {
		t.Helper()
		if err := Write(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	first := inode("same", 0o600)
	if !os.SameFile(first, inode("same", 0o600)) {
		t.Error("the same content was written again")
	}
	second := inode("same", 0o644)
	if os.SameFile(first, second) {
		t.Error("another mode was not written")
	}
	if os.SameFile(second, inode("some", 0o644)) {
		t.Error("another content of the same length was not written")
	}
}

func TestWhatAKilledWriterLeftIsRemoved(t *testing.T) {
	dir := t.TempDir()
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	stays := []string{
		fmt.Sprintf(".tmp-token-%d-1", os.Getpid()),             // of a process that may still write it
		fmt.Sprintf(".tmp-token-2-%d-1", ended.Process.Pid),     // of another file, which is called token-2
		fmt.Sprintf(".tmp-certificate-%d-1", ended.Process.Pid), // likewise
		".tmp-token-text", // nobody knows whose
	}
	for _, name := range append(stays, fmt.Sprintf(".tmp-token-%d-1", ended.Process.Pid)) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Write(filepath.Join(dir, "token"), []byte("whole"), 0o600); err != nil {
		t.Fatal(err)
	}
	checkNames(t, dir, append(stays, "token")...)
}

func TestAFailureNamesTheFileAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "taken")
	if err := os.MkdirAll(filepath.Join(path, "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(dir, "missing", "token")} {
		if err := Write(path, []byte("x"), 0o600); err == nil || !strings.HasPrefix(err.Error(), "writing "+path+": ") {
			t.Errorf("got %v, want what is wrong with %s", err, path)
		}
	}
	checkNames(t, dir, "taken")
}

// checkNames checks what there is in a folder.
func checkNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("there is %q, want %q", names, want)
	}
}
