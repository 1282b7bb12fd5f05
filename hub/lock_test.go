package hub

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestSecondLockNamesTheHolder(t *testing.T) {
	dir := t.TempDir()
	first, err := acquireLock(dir, "demo", "install")
	if err != nil {
		t.Fatal(err)
	}
	_, err = acquireLock(dir, "demo", "uninstall")
	var locked *LockedError
	if !errors.As(err, &locked) || locked.holder.PID != os.Getpid() || !strings.Contains(err.Error(), "`backstack install`") {
		t.Fatalf("error %v, want one that names this process and its command", err)
	}
	first.release()
	second, err := acquireLock(dir, "demo", "uninstall")
	if err != nil {
		t.Fatalf("after the first was released: %v", err)
	}
	second.release()
}

func TestLockOfADeadProcessIsTakenOver(t *testing.T) {
	if dir := os.Getenv("LOCK_IN"); dir != "" {
		if _, err := acquireLock(dir, "demo", "install"); err != nil {
			t.Fatal(err)
		}
		if err := exec.Command("kill", "-KILL", strconv.Itoa(os.Getpid())).Run(); err != nil {
			t.Fatal(err)
		}
		select {} // the signal ends this
	}
	dir := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestLockOfADeadProcessIsTakenOver$")
	child.Env = append(os.Environ(), "LOCK_IN="+dir)
	if err := child.Run(); err == nil {
		t.Fatal("the process with the lock ended well, want it killed")
	}
	if _, err := os.Stat(filepath.Join(dir, "lock")); err != nil {
		t.Fatalf("the dead process left no lock: %v", err)
	}
	taken, err := acquireLock(dir, "demo", "install")
	if err != nil {
		t.Fatal(err)
	}
	taken.release()
}

// An uninstall removes the folder while it holds the lock: whoever comes next must not be content with the removed file.
func TestLockOfARemovedFolderIsMadeAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub")
	first, err := acquireLock(dir, "demo", "uninstall")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	second, err := acquireLock(dir, "demo", "install")
	if err != nil {
		t.Fatal(err)
	}
	first.release()
	if _, err := acquireLock(dir, "demo", "install"); err == nil {
		t.Error("a third one got the lock that the second holds")
	}
	second.release()
}

func TestLockFileIsForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub")
	held, err := acquireLock(dir, "demo", "install")
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "lock"): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestReleasedLockLeavesNoEmptyHub(t *testing.T) {
	state := filepath.Join(t.TempDir(), "backstack")
	dir := filepath.Join(state, "hubs", "demo")
	for _, holds := range []string{"something", ""} {
		held, err := acquireLock(dir, "demo", "install")
		if err != nil {
			t.Fatal(err)
		}
		if holds != "" {
			if err := os.WriteFile(filepath.Join(dir, holds), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		held.release()
		if _, err := os.Stat(filepath.Join(dir, "lock")); (err == nil) != (holds != "") {
			t.Errorf("a folder that holds %q beside the lock: %v", holds, err)
		}
		_ = os.Remove(filepath.Join(dir, "something"))
	}
	if _, err := os.Stat(state); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want it removed with its last hub", state, err)
	}
}
