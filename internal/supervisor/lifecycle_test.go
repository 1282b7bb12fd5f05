package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestProcessesStartInOrderAndStopInReverse(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c,
		j.answering("portal").after("api"),
		j.answering("api").after("store"),
		j.answering("store"),
	)
	j.expect(t, "store runs", "api runs", "portal runs")
	untilReady(t, c)
	if err := c.Stop(within(t), 0); err != nil {
		t.Fatal(err)
	}
	j.expect(t, "portal ends", "api ends", "store ends")
}

func TestDependantsWaitForTheProbe(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	files := newCertificates(t)
	socket := filepath.Join(files.dir, "api.sock")
	api := j.process("api", "server", socket, files.serverCert, files.serverKey, "2")
	api.Ready = &Probe{URL: "https://localhost/readyz", Socket: socket, CA: files.ca}
	apply(t, c, j.process("portal", "sleeper").after("api"), api)
	j.expect(t, "api runs", "api answers", "portal runs")

	untilReady(t, c)
	status := statusOf(t, c, "api")
	if status.State != Ready || status.PID == 0 || status.Waiting != "" || status.Restarts != 0 {
		t.Errorf("got %+v", status)
	}
}

func TestStatusSaysWhatAProcessWaitsFor(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	files := newCertificates(t)
	socket := filepath.Join(files.dir, "api.sock")
	api := j.process("api", "server", socket, files.serverCert, files.serverKey, "1000000")
	api.Ready = &Probe{URL: "https://localhost/readyz", Socket: socket, CA: files.ca}
	apply(t, c, api, j.process("portal", "sleeper").after("api"))

	awaitStatus(t, c, "api", func(s Status) bool {
		return s.State == Starting && strings.HasSuffix(s.Waiting, "500 Internal Server Error: still loading")
	})
	portal := statusOf(t, c, "portal")
	if portal.State != Waiting || portal.Waiting != "api" || portal.Reason() != "waits for api" {
		t.Errorf("got %+v", portal)
	}
}

func TestAKilledProcessIsBackAndStatusSaysWhatHappened(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.answering("store"), j.process("api", "sleeper").after("store"))
	store, api := j.await(t, "store runs"), j.await(t, "api runs")
	before := time.Now()
	kill(t, store)

	again := j.await(t, "store runs")
	status := awaitStatus(t, c, "store", func(s Status) bool { return s.State == Ready && s.PID == again })
	if status.Restarts != 1 || status.LastExit != "signal: killed" || status.LastExitTime.Before(before) ||
		status.Since.Before(status.LastExitTime) {
		t.Errorf("got %+v", status)
	}
	if status.Reason() != "ready (1 restart)" {
		t.Errorf("got reason %q", status.Reason())
	}
	if got := statusOf(t, c, "api"); got.PID != api || got.State != Ready {
		t.Errorf("what comes after a restarted process was not left alone: %+v", got)
	}
}

func TestRestartsOfACrashingProcessGetRarer(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.process("api", "crasher"))
	begun := time.Now()
	for range 4 {
		j.await(t, "api runs")
	}
	if took := time.Since(begun); took < 700*time.Millisecond {
		t.Errorf("three restarts took %v, want at least 100+200+400 ms", took)
	}
	status := awaitStatus(t, c, "api", func(s Status) bool { return s.State == Backoff && s.Restarts == 3 })
	if status.LastExit != "exit status 3" || status.PID != 0 {
		t.Errorf("got %+v", status)
	}
	lines, err := TailLog(c.dir, "api", 100)
	if err != nil || !slices.Equal(lines, slices.Repeat([]string{"about to crash"}, 4)) {
		t.Errorf("the log of an ended process: got %q, %v", lines, err)
	}
}

func TestAOneshotIsReadyWhenItHasSucceeded(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c := supervise(t, dir)
	setup := j.process("setup", "flaky", filepath.Join(dir, "runs"), "3")
	setup.Oneshot = true
	apply(t, c, setup, j.process("api", "sleeper").after("setup"))
	j.expect(t, "api runs")
	status := statusOf(t, c, "setup")
	if status.State != Done || status.Restarts != 2 || status.LastExit != "exit status 0" || status.PID != 0 {
		t.Errorf("got %+v", status)
	}
	if runs, _ := os.ReadFile(filepath.Join(dir, "runs")); string(runs) != "run\nrun\nrun\n" {
		t.Errorf("got %q, want three runs", runs)
	}
}

func TestAProgramThatIsNotThereFailsUntilItIsAskedForAgain(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c := supervise(t, dir)
	path := filepath.Join(dir, "program")
	api := j.process("api", "sleeper")
	api.Path = path
	apply(t, c, api)
	status := awaitStatus(t, c, "api", func(s Status) bool { return s.State == Failed })
	if !strings.Contains(status.LastExit, "no such file") || status.PID != 0 {
		t.Errorf("got %+v", status)
	}
	if err := os.Symlink(testBinary(), path); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(within(t), "api"); err != nil {
		t.Fatal(err)
	}
	j.expect(t, "api runs")
	untilReady(t, c)
}

func TestRestartEndsTheOldRunFirst(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.process("api", "sleeper"))
	old := j.await(t, "api runs")
	if err := c.Restart(within(t), "api"); err != nil {
		t.Fatal(err)
	}
	if alive(old) {
		t.Error("the old run is still there")
	}
	untilReady(t, c)
	j.expect(t, "api ends", "api runs")
	if status := statusOf(t, c, "api"); status.Restarts != 0 || status.LastExit != "" {
		t.Errorf("a restart that was asked for counts as a failure: %+v", status)
	}
	if err := c.Restart(within(t), "apo"); err == nil || !strings.Contains(err.Error(), `"apo": want one of [api]`) {
		t.Errorf("restarting an unknown process: got %v", err)
	}
}

func TestConcurrentRestartsAllReturn(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.process("api", "sleeper"))
	j.await(t, "api runs")
	answers := make(chan error)
	for range 5 {
		go func() { answers <- c.Restart(within(t), "api") }()
	}
	for range 5 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

func TestAProcessThatIgnoresItsSignalIsKilled(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	stubborn := j.process("api", "stubborn")
	stubborn.StopTimeout = 50 * time.Millisecond
	polite := j.process("portal", "sleeper")
	polite.StopSignal = syscall.SIGTERM
	apply(t, c, stubborn, polite)
	first, _ := j.next(t)
	second, _ := j.next(t)
	if got := first + second; got != "api runsportal runs" && got != "portal runsapi runs" {
		t.Fatal(got)
	}
	pid := statusOf(t, c, "api").PID
	if err := c.Stop(within(t), 0); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("it is still there")
	}
}

func TestGraceBoundsTheWholeStop(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	one, two := j.process("one", "stubborn"), j.process("two", "stubborn").after("one")
	one.StopTimeout, two.StopTimeout = time.Hour, time.Hour
	apply(t, c, one, two)
	j.await(t, "two runs")
	if err := c.Stop(within(t), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
}

func TestKillFollowsAStopThatTakesLong(t *testing.T) {
	j := newJournal(t)
	dir := t.TempDir()
	c := supervise(t, dir)
	stubborn := j.process("api", "stubborn")
	stubborn.StopTimeout = time.Hour
	apply(t, c, stubborn)
	pid := j.await(t, "api runs")
	stopped := make(chan error)
	go func() { stopped <- c.Stop(within(t), 0) }()
	for c.ping(within(t)) == nil { // until the stop has begun
	}
	if err := c.Apply(within(t), nil); err == nil {
		t.Error("a stopping supervisor takes new processes")
	}
	if err := c.Kill(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the process is still there")
	}
	if _, running := Running(dir); running {
		t.Error("the supervisor is still there")
	}
}

func TestDescendantsEndWithTheirProcess(t *testing.T) {
	for _, how := range []string{"escape", "forget"} {
		t.Run(how, func(t *testing.T) {
			j := newJournal(t)
			c := supervise(t, t.TempDir())
			apply(t, c, j.process("parent", "parent", how))
			parent := awaitStatus(t, c, "parent", func(s Status) bool { return s.PID != 0 }).PID
			child := j.await(t, "child runs")
			kill(t, parent)
			awaitStatus(t, c, "parent", func(s Status) bool { return s.Restarts == 1 && s.State == Ready })
			if alive(child) {
				t.Error("the child of a killed process is still there when it runs again")
			}
			child = j.await(t, "child runs")
			if err := c.Stop(within(t), 0); err != nil {
				t.Fatal(err)
			}
			if alive(child) {
				t.Error("the child of a stopped process is still there")
			}
		})
	}
}

func TestProcessesOutliveTheThreadsOfTheSupervisor(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	var list []Process
	for i := range 16 {
		list = append(list, j.process(fmt.Sprintf("p%d", i), "sleeper"))
	}
	for range 4 {
		apply(t, c, list...)
		for range list {
			j.next(t)
		}
		endIdleThreads()
		apply(t, c)
		for range list { // they were there to be asked
			if event, _ := j.next(t); !strings.HasSuffix(event, " ends") {
				t.Fatalf("got %q", event)
			}
		}
	}
}

// endIdleThreads ends all threads of this process that have nothing to do: the thread of a goroutine that ends locked
// ends too.
func endIdleThreads() {
	const many = 50
	var locked, ended sync.WaitGroup
	release := make(chan struct{})
	locked.Add(many)
	for range many {
		ended.Go(func() {
			runtime.LockOSThread()
			locked.Done()
			<-release
		})
	}
	locked.Wait()
	close(release)
	ended.Wait()
}
