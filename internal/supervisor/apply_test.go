package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestApplyTouchesOnlyWhatDiffers(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.process("kept", "sleeper"), j.process("changed", "sleeper"), j.process("removed", "sleeper"))
	kept, changed, removed := waitPIDs(t, c, "kept"), waitPIDs(t, c, "changed"), waitPIDs(t, c, "removed")
	for range 3 {
		j.next(t)
	}

	different := j.process("changed", "sleeper")
	different.Env = append(different.Env, "SETTING=new")
	apply(t, c, j.process("added", "sleeper").after("changed"), different, j.process("kept", "sleeper"))
	if alive(changed) || alive(removed) {
		t.Error("Apply returned before the old processes had ended")
	}
	untilReady(t, c)
	list, err := c.Status(within(t))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range list {
		got = append(got, s.Name)
		if s.Name == "kept" && s.PID != kept {
			t.Error("an unchanged process was restarted")
		}
		if s.Name == "changed" && s.PID == changed {
			t.Error("a changed process was not restarted")
		}
		if s.RSS == 0 {
			t.Errorf("%s: no memory", s.Name)
		}
	}
	if want := []string{"added", "changed", "kept"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func waitPIDs(t *testing.T, c *Client, name string) int {
	t.Helper()
	return awaitStatus(t, c, name, func(s Status) bool { return s.State == Ready }).PID
}

func TestApplyStopsInReverseOrder(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.answering("store"), j.answering("api").after("store"), j.answering("portal").after("api"))
	j.expect(t, "store runs", "api runs", "portal runs")
	untilReady(t, c)
	apply(t, c)
	j.expect(t, "portal ends", "api ends", "store ends")
	if list, err := c.Status(within(t)); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
}

func TestABadListChangesNothing(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.process("api", "sleeper"))
	pid := waitPIDs(t, c, "api")
	err := c.Apply(within(t), []Process{{Name: "portal", Path: "portal", After: []string{"api"}}})
	if err == nil {
		t.Fatal("it was taken")
	}
	want := "applying a list of processes: process \"portal\": path \"portal\": want an absolute path\n" +
		"process \"portal\": after \"api\": want a process of the list"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := statusOf(t, c, "api"); got.PID != pid {
		t.Errorf("got %+v", got)
	}
}

func TestConcurrentApplies(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c := supervise(t, dir)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			own := j.process(fmt.Sprintf("own-%d", i), "sleeper")
			if err := c.Apply(within(t), []Process{j.process("shared", "sleeper"), own}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	untilReady(t, c)
	list, err := c.Status(within(t))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := loadProcesses(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || !slices.Equal([]string{list[0].Name, list[1].Name}, names(stored)) {
		t.Errorf("got %v, want what is stored: %v", list, names(stored))
	}
	if list[0].Restarts != 0 {
		t.Errorf("the shared process was restarted: %+v", list[0])
	}
}

func TestEverythingIsForTheOwnerAlone(t *testing.T) {
	j := newJournal(t)
	dir := filepath.Join(t.TempDir(), "hub")
	if err := errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	c := supervise(t, dir)
	apply(t, c, j.process("api", "printer", "1", "hello"))
	j.expect(t, "api runs")
	untilReady(t, c)
	found := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s: got mode %o, want %o", path, got, want)
		}
		found++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 6 {
		t.Errorf("found only %d files and folders", found)
	}
}

func TestOneFolderHasOneSupervisor(t *testing.T) {
	dir := t.TempDir()
	if pid, running := Running(dir); running {
		t.Fatalf("a supervisor is running where there is none: %d", pid)
	}
	supervise(t, dir)
	if pid, running := Running(dir); !running || pid != os.Getpid() {
		t.Errorf("got %d, %v, want this process", pid, running)
	}
	err := Run(t.Context(), Options{Dir: dir})
	refused, ok := errors.AsType[*RunningError](err)
	if !ok || refused.PID != os.Getpid() {
		t.Fatalf("a second one: got %v", err)
	}
	if !isRunning(sweepLeft(dir)) {
		t.Error("a supervisor's processes are swept away under it")
	}
}

func TestTheSocketOfALongFolderCanBeReached(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 40))
	j := newJournal(t)
	c := supervise(t, dir)
	apply(t, c, j.process("api", "sleeper"))
	untilReady(t, c)
	if err := c.Stop(within(t), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, socketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}
