package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAKilledSupervisorIsTakenOverFromEachTime(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c, pid := launchSupervisor(t, dir)
	apply(t, c, j.answering("store"), j.answering("api").after("store"))
	untilReady(t, c)
	j.expect(t, "store runs", "api runs")
	for range 2 {
		standby := standbyOf(t, dir)
		kill(t, pid)
		// In order, as at the first start; without anybody starting anything.
		j.expect(t, "store runs", "api runs")
		status := awaitStatus(t, c, "api", func(s Status) bool { return s.State == Ready })
		if status.Restarts != 1 || status.LastExit != "signal: killed, with its supervisor" || status.LastExitTime.IsZero() {
			t.Errorf("got %+v", status)
		}
		before := pid
		if pid, _ = Running(dir); pid != standby {
			t.Fatalf("process %d is the supervisor, want the standby %d", pid, standby)
		}
		checkLog(t, dir, "the supervisor before was killed", fmt.Sprintf("pid=%d", before))
	}
	if hasLog(t, dir, "the standby ended") {
		t.Errorf("one that took over has ended its own standby:\n%s", strings.Join(supervisorLog(t, dir), "\n"))
	}
	checkStops(t, c)
}

func TestAKilledStandbyIsReplaced(t *testing.T) {
	dir := t.TempDir()
	c, pid := launchSupervisor(t, dir)
	standby := standbyOf(t, dir)
	kill(t, standby)
	awaitGone(t, standby)
	standbyOf(t, dir)
	if now, _ := Running(dir); now != pid {
		t.Errorf("the supervisor is %d, want %d still", now, pid)
	}
	checkLog(t, dir, "the standby ended", "signal: killed")
	checkStops(t, c)
}

func TestAStandbyThatIsAskedToEndIsReplacedAndTheNextOneTakesOver(t *testing.T) {
	j, c, pid, _ := launchWithAPI(t)
	dir := c.dir
	standby := standbyOf(t, dir)
	// By then it waits for the lock, and hears of signals as the command does.
	await(t, "the standby to wait for the lock", func() bool { return waitsForLock(t, standby) })
	if err := syscall.Kill(standby, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, standby)
	next := standbyOf(t, dir)
	kill(t, pid)
	j.expect(t, "api runs")
	awaitStatus(t, c, "api", func(s Status) bool { return s.State == Ready })
	if now, _ := Running(dir); now != next {
		t.Errorf("process %d is the supervisor, want the second standby %d", now, next)
	}
	checkStops(t, c)
}

// waitsForLock tells whether a process has the lock's file open.
func waitsForLock(t *testing.T, pid int) bool {
	t.Helper()
	return slices.ContainsFunc(openFiles(pid), func(path string) bool { return filepath.Base(path) == lockName })
}

func TestNobodyTakesOverWhatIsToEnd(t *testing.T) {
	for name, end := range map[string]func(context.Context, *Client) error{
		"stopped": func(ctx context.Context, c *Client) error { return c.Stop(ctx, 0) },
		"killed":  func(ctx context.Context, c *Client) error { return c.Kill(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			_, c, pid, api := launchWithAPI(t)
			kill(t, pid)
			// Whether the standby has taken over by then or not.
			if err := end(within(t), c); err != nil && !errors.Is(err, ErrNotRunning) {
				t.Error(err)
			}
			awaitGone(t, api)
			checkGone(t, c.dir)
		})
	}
}

func TestAStandbyThatSomebodyWasFasterThanEnds(t *testing.T) {
	dir := t.TempDir()
	_, pid := launchSupervisor(t, dir)
	standby := standbyOf(t, dir)
	freeze(t, standby)
	kill(t, pid)
	awaitGone(t, pid)
	c, _ := launchSupervisor(t, dir)
	if alive(standby) {
		t.Error("the standby of the killed supervisor is still there")
	}
	checkStops(t, c)
}

func TestATakeoverThatFailsIsTriedAgain(t *testing.T) {
	j, c, pid, _ := launchWithAPI(t)
	dir := c.dir
	standby := standbyOf(t, dir)
	list := breakProcesses(t, dir)
	kill(t, pid)
	await(t, "a failed takeover in the log", func() bool {
		return hasLog(t, dir, "taking over", "loading the list of processes")
	})
	if err := os.WriteFile(storePath(dir), list, 0o600); err != nil {
		t.Fatal(err)
	}
	j.expect(t, "api runs")
	if now, _ := Running(dir); now != standby {
		t.Errorf("process %d is the supervisor, want the standby %d", now, standby)
	}
	checkStops(t, c)
}

func TestASupervisorThatDoesNotListenIsNamedAndEnded(t *testing.T) {
	dir := t.TempDir()
	c, pid := launchSupervisor(t, dir)
	standby := standbyOf(t, dir)
	breakProcesses(t, dir)
	kill(t, pid)
	c.patience = 50 * time.Millisecond
	if _, err := c.Status(within(t)); !errors.Is(err, errNoAnswer) || !strings.Contains(err.Error(), LogPath(dir, reservedName)) {
		t.Errorf("got %v, want %v and where to look", err, errNoAnswer)
	}
	if err := c.Kill(within(t)); err != nil {
		t.Error(err)
	}
	awaitGone(t, standby)
	checkGone(t, dir)
}

func TestASupervisorThatHangsIsEnded(t *testing.T) {
	_, c, pid, api := launchWithAPI(t)
	standbyOf(t, c.dir)
	freeze(t, pid)
	c.patience = 50 * time.Millisecond
	if err := c.Stop(within(t), 0); err != nil {
		t.Error(err)
	}
	awaitGone(t, api)
	checkGone(t, c.dir)
}

func TestASupervisorThatCannotBeEndedIsNamed(t *testing.T) {
	dir := t.TempDir()
	lock, err := acquireLock(dir) // this process, which has no mark
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	c := NewClient(dir)
	c.patience = 50 * time.Millisecond
	want := fmt.Sprintf("end process %d, which is it", os.Getpid())
	if err := c.Kill(within(t)); !errors.Is(err, errNoAnswer) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %v and %q", err, errNoAnswer, want)
	}
}

func TestWaitGoesOnWithWhoTakesOver(t *testing.T) {
	j := newJournal(t)
	c, pid := launchSupervisor(t, t.TempDir())
	api := j.process("api", "sleeper")
	socket := filepath.Join(filepath.Dir(j.path), "api")
	api.Ready = &Probe{URL: "http://localhost", Socket: socket}
	apply(t, c, api)
	j.expect(t, "api runs")
	standbyOf(t, c.dir)
	waited := make(chan error)
	watching := make(chan struct{}, 100)
	go func() { waited <- c.Wait(within(t), func([]Status) { watching <- struct{}{} }, "api") }()
	<-watching
	kill(t, pid)
	j.expect(t, "api runs")
	if err := answerOn(socket); err != nil {
		t.Fatal(err)
	}
	if err := <-waited; err != nil {
		t.Error(err)
	}
	checkStops(t, c)
}

// launchWithAPI launches a supervisor in a folder of its own, of one process, which runs.
func launchWithAPI(t *testing.T) (j *journal, c *Client, pid, api int) {
	t.Helper()
	j = newJournal(t)
	c, pid = launchSupervisor(t, t.TempDir())
	apply(t, c, j.process("api", "sleeper"))
	return j, c, pid, j.expect(t, "api runs")
}

// await looks again and again for what nobody tells of.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for patient := within(t); !so(); {
		if !sleep(patient, probeShortest) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// breakProcesses makes the stored list of processes one that cannot be read, and returns what it was.
func breakProcesses(t *testing.T, dir string) []byte {
	t.Helper()
	list, err := os.ReadFile(storePath(dir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(storePath(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

// standbyOf waits until the folder's supervisor has a standby, and returns it.
func standbyOf(t *testing.T, dir string) int {
	t.Helper()
	supervisor, _ := Running(dir)
	standby := 0
	await(t, "a standby", func() bool {
		for _, pid := range marked(t, dir, reservedName) {
			if pid != supervisor && len(threads(t, pid)) > 1 { // one has the child that Go's os package tries pidfds with
				standby = pid
			}
		}
		return standby != 0
	})
	return standby
}

// marked lists the processes with a mark of the folder's supervisor for the name, or for any if it is empty.
func marked(t *testing.T, dir, name string) []int {
	t.Helper()
	dir, err := resolve(dir)
	if err != nil {
		t.Fatal(err)
	}
	mark := markOf(dir, name)
	found, err := find(func(p procStat) bool {
		return p.hasEnv(func(entry []byte) bool { return strings.HasPrefix(string(entry), mark) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// killWithStandby kills a supervisor so that nobody takes over.
func killWithStandby(t *testing.T, dir string, pid int) {
	t.Helper()
	standby := standbyOf(t, dir)
	freeze(t, standby)
	for _, pid := range []int{pid, standby} {
		kill(t, pid)
		awaitGone(t, pid)
	}
}

// freeze keeps a process from doing anything more, from when it returns.
func freeze(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	await(t, fmt.Sprintf("process %d to stop", pid), func() bool { return stopped(t, pid) })
}

// stopped tells whether all threads of a process are.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	return !slices.ContainsFunc(threads(t, pid), func(dir string) bool {
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		return err != nil || !strings.Contains(string(status), "\nState:\tT (stopped)")
	})
}

// threads returns the folders of a process's threads.
func threads(t *testing.T, pid int) []string {
	t.Helper()
	dirs, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// checkStops stops the supervisor and checks that nothing is left of it.
func checkStops(t *testing.T, c *Client) {
	t.Helper()
	pid, _ := Running(c.dir)
	if err := c.Stop(within(t), 0); err != nil {
		t.Error(err)
	}
	if alive(pid) {
		t.Error("Stop returned before the supervisor had ended")
	}
	checkGone(t, c.dir)
}

// checkGone checks that nothing of a supervisor runs, and that nothing will.
func checkGone(t *testing.T, dir string) {
	t.Helper()
	if pid, running := Running(dir); running {
		t.Errorf("process %d is the supervisor, want none", pid)
	}
	if left := marked(t, dir, ""); len(left) > 0 {
		t.Errorf("the processes %v are left", left)
	}
}

// checkLog checks that the supervisor's log has a line with all of parts.
func checkLog(t *testing.T, dir string, parts ...string) {
	t.Helper()
	if !hasLog(t, dir, parts...) {
		t.Errorf("the supervisor's log has no line with all of %q:\n%s", parts, strings.Join(supervisorLog(t, dir), "\n"))
	}
}

func hasLog(t *testing.T, dir string, parts ...string) bool {
	t.Helper()
	return slices.ContainsFunc(supervisorLog(t, dir), func(line string) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	})
}

func supervisorLog(t *testing.T, dir string) []string {
	t.Helper()
	lines, err := TailLog(dir, reservedName, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
