package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAKilledSupervisorTakesItsProcessesAlongAndTheNextOneBringsThemBack(t *testing.T) {
	j := newJournal(t)
	dir := filepath.Join(t.TempDir(), "hub")
	c, pid := launchSupervisor(t, dir)
	loner := j.process("loner", "stubborn")
	loner.StopTimeout = 50 * time.Millisecond
	apply(t, c, j.answering("store"), j.answering("api").after("store"), loner,
		j.process("talker", "printer", "1", "first life"))
	untilReady(t, c)
	var pids []int
	for range 4 {
		_, told := j.next(t)
		pids = append(pids, told)
	}
	killWithStandby(t, dir, pid)
	for _, pid := range pids {
		awaitGone(t, pid)
	}
	if _, running := Running(dir); running {
		t.Fatal("a killed supervisor counts as running")
	}

	c, again := launchSupervisor(t, dir)
	if again == pid {
		t.Fatal("it is not another supervisor")
	}
	untilReady(t, c)
	for range 4 {
		j.next(t)
	}
	if lines, err := TailLog(dir, "talker", 10); err != nil || strings.Join(lines, ",") != "first life,first life" {
		t.Errorf("the log of both lives: got %q, %v", lines, err)
	}
	if err := c.Stop(within(t), 0); err != nil {
		t.Error(err)
	}
}

func TestChildrenOfAKilledSupervisorsProcessesAreSwept(t *testing.T) {
	for name, sweeper := range map[string]func(*testing.T, *Client){
		"by Kill": func(t *testing.T, c *Client) {
			if err := c.Kill(within(t)); !errors.Is(err, ErrNotRunning) {
				t.Fatal(err)
			}
		},
		"by the next supervisor": func(t *testing.T, c *Client) { launchSupervisor(t, c.dir) },
	} {
		t.Run(name, func(t *testing.T) {
			j := newJournal(t)
			dir := t.TempDir()
			c, pid := launchSupervisor(t, dir)
			apply(t, c, j.process("parent", "parent", "escape"))
			untilReady(t, c)
			child := j.await(t, "child runs")
			killWithStandby(t, dir, pid)
			sweeper(t, c)
			if alive(child) {
				t.Error("the child is still there")
			}
		})
	}
}

func TestEndingASupervisorInAFolderThatIsNotThere(t *testing.T) {
	if err := NewClient(filepath.Join(t.TempDir(), "nothing")).Kill(within(t)); !errors.Is(err, ErrNotRunning) {
		t.Error(err)
	}
}

func TestAStoppedSupervisorIsGoneAndStartsTheSameAgain(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c, pid := launchSupervisor(t, dir)
	apply(t, c, j.process("api", "sleeper"))
	j.await(t, "api runs")
	if err := c.Stop(within(t), 0); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("Stop returned before the supervisor had ended")
	}
	j.expect(t, "api ends")
	c, _ = launchSupervisor(t, dir)
	untilReady(t, c, "api")
	j.expect(t, "api runs")
}

func TestOpenFilesOfOthersAreNotInherited(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	inherited, err := syscall.Dup(int(file.Fd())) // passed on by default, unlike what Go opens
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(inherited) })
	silent := Process{Name: "api", Path: testBinary(), Env: []string{roleVariable + "=sleeper"}}

	t.Run("within this process", func(t *testing.T) {
		dir := t.TempDir()
		c := supervise(t, dir)
		apply(t, c, silent)
		checkInherited(t, dir, c)
	})
	t.Run("launched", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := makeFolder(dir); err != nil {
			t.Fatal(err)
		}
		if err := storeProcesses(dir, []Process{silent}); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(uintptr(inherited), unix.F_SETFD, 0); err != nil { // undo what the first part did
			t.Fatal(err)
		}
		c, pid := launchSupervisor(t, dir) // starts the process before it has told that it can be reached
		checkInherited(t, dir, c)
		if slices.Contains(openFiles(pid), file.Name()) {
			t.Error("the supervisor has inherited the file")
		}
	})
}

// openFiles returns what the process has open. A Go program opens some files itself, a few of them only for a moment.
func openFiles(pid int) []string {
	var files []string
	for fd := range 100 {
		if target, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", pid, fd)); err == nil {
			files = append(files, target)
		}
	}
	return files
}

func checkInherited(t *testing.T, dir string, c *Client) {
	t.Helper()
	untilReady(t, c)
	pid := statusOf(t, c, "api").PID
	files := openFiles(pid)
	log := LogPath(dir, "api")
	if want := []string{os.DevNull, log, log}; len(files) < 3 || !slices.Equal(files[:3], want) {
		t.Fatalf("standard files: got %q, want %q", files, want)
	}
	for _, file := range files[3:] {
		for _, foreign := range []string{"pipe:", "socket:", os.TempDir()} {
			if strings.HasPrefix(file, foreign) {
				t.Errorf("%s is open", file)
			}
		}
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || strings.Contains(string(environ), launcherVariable) || !strings.Contains(string(environ), markVariable) {
		t.Errorf("environment: got %q, %v", environ, err)
	}
}

func TestSIGINTStopsInOrder(t *testing.T) {
	j := newJournal(t)
	c, pid := launchSupervisor(t, t.TempDir())
	apply(t, c, j.answering("store"), j.answering("api").after("store"))
	untilReady(t, c)
	j.expect(t, "store runs", "api runs")
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pid)
	j.expect(t, "api ends", "store ends")
}

func TestManyStartsGiveOneSupervisor(t *testing.T) {
	dir := t.TempDir()
	t.Cleanup(func() { _ = NewClient(dir).Kill(context.Background()) })
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := Start(within(t), launchOf(dir)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	pid, running := Running(dir)
	if !running {
		t.Fatal("none is running")
	}
	if err := Start(within(t), launchOf(dir)); err != nil {
		t.Error(err)
	}
	if again, _ := Running(dir); again != pid {
		t.Errorf("another one is running: %d instead of %d", again, pid)
	}
}

func TestStartSaysWhyTheSupervisorEnded(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(storePath(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := Start(within(t), launchOf(dir))
	if err == nil {
		t.Fatal("it started with a broken list of processes")
	}
	for _, want := range []string{"exit status 1", "loading the list of processes", "processes.json"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to say %q", err, want)
		}
	}
	launch := launchOf(dir)
	launch.Path = filepath.Join(dir, "nothing")
	if err := Start(within(t), launch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a command that is not there: got %v", err)
	}
}

func TestStartThatIsBrokenOffLeavesNothing(t *testing.T) {
	j := newJournal(t)
	ctx, cancel := context.WithCancelCause(within(t))
	why := errors.New("enough")
	stubborn := j.process("never-ready", "stubborn")
	failed := make(chan error)
	go func() {
		failed <- Start(ctx, Launch{Dir: t.TempDir(), Path: stubborn.Path, Env: stubborn.Env})
	}()
	pid := j.await(t, "never-ready runs")
	cancel(why)
	if err := <-failed; !errors.Is(err, why) {
		t.Errorf("got %v, want %v", err, why)
	}
	if alive(pid) {
		t.Error("the launched process is still there")
	}
}

// As one that its launcher kills just when it can be reached, and whose standby must not bring it back.
func TestASupervisorHasNoStandbyBeforeItsLauncherLetsItGo(t *testing.T) {
	for name, kills := range map[string]bool{"killed": true, "let go": false} {
		t.Run(name, func(t *testing.T) {
			j := newJournal(t)
			dir := t.TempDir()
			launcher, its, err := socketPair()
			if err != nil {
				t.Fatal(err)
			}
			launched := launchOf(dir)
			command := exec.Command(launched.Path, launched.Args...)
			command.Env, command.ExtraFiles = append(launched.Env, launcherVariable+"=3"), []*os.File{its}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- command.Wait() }()
			t.Cleanup(func() { _ = NewClient(dir).Kill(context.Background()) })
			if !awaitReady(within(t), launcher) {
				t.Fatal("it does not tell that it can be reached")
			}
			c := NewClient(dir)
			apply(t, c, j.answering("api"))
			untilReady(t, c)
			if standbys := marked(t, dir, reservedName); len(standbys) > 0 {
				t.Errorf("it has the standbys %v, want none yet", standbys)
			}
			if !kills {
				_ = launcher.Close()
				standbyOf(t, dir)
				return
			}
			kill(t, command.Process.Pid)
			<-ended
			_ = launcher.Close()
			awaitGone(t, j.await(t, "api runs"))
			checkGone(t, dir)
		})
	}
}

func TestALockThatCannotBeOpenedIsNoSupervisor(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, lockName), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"start": Start(within(t), launchOf(dir)), "kill": NewClient(dir).Kill(within(t))} {
		if err == nil || isRunning(err) || !strings.Contains(err.Error(), "is a directory") {
			t.Errorf("%s: got %v, want that the lock is a directory", name, err)
		}
	}
}

func TestAStaleLockAndSocketAreTakenOver(t *testing.T) {
	dir := t.TempDir()
	// The number is that of a living process, as it may be when numbers were used again.
	if err := os.WriteFile(filepath.Join(dir, lockName), []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, socketName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if pid, running := Running(dir); running {
		t.Errorf("process %d counts as a supervisor", pid)
	}
	c := supervise(t, dir)
	if _, err := c.Status(within(t)); err != nil {
		t.Error(err)
	}
}
