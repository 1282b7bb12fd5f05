package engine

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

// In these tests the go command stops when it is to build: it writes a line to a named pipe and then runs for ever,
// alone or with a child, and keeps the pipe open. To read the line is to know that the build runs; to read the end of
// the pipe is to know that nothing of it runs any more.
const (
	alone     = `echo building >&3; exec sleep 100000`
	withChild = `sleep 100000 & echo building >&3; wait`
)

func TestCancelledBuildLeavesNothingRunning(t *testing.T) {
	c := newSmallCache(t)
	building := stopBuilds(t, withChild)
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := c.ensure(ctx, "", report.Discard)
		ended <- err
	}()
	pipe := building()
	why := errors.New("someone has lost patience")
	cancel(why)
	if err := <-ended; !errors.Is(err, why) {
		t.Errorf("got %v: want %v", err, why)
	}
	waitForEnd(t, pipe)
	left, err := os.ReadDir(c.dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestKilledBuildIsNotTakenForAnEngine(t *testing.T) {
	c := newSmallCache(t)
	realPath := os.Getenv("PATH")
	building := stopBuilds(t, alone)

	child := exec.Command(os.Args[0], "-test.run=^TestBuildInAProcessOfItsOwn$")
	child.Env = append(os.Environ(), childRoot+"="+filepath.Dir(c.dir), childSources+"="+saveSources(t, c.recipe))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pipe := building()
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	waitForEnd(t, pipe)

	left, err := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*"))
	if err != nil || len(left) != 1 {
		t.Fatalf("left behind: %q, %v: want what was being made", left, err)
	}
	if engines := c.list(); len(engines) != 0 {
		t.Errorf("taken for engines: %+v", engines)
	}

	t.Setenv("PATH", realPath)
	engine := mustEnsure(t, c, report.Discard)
	if got := runProgram(t, engine.Program("renamed")); got != "patched 1.2.3" {
		t.Errorf("it says %q", got)
	}
	if left, err := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*")); err != nil || len(left) != 0 {
		t.Errorf("still there: %q, %v", left, err)
	}
}

func TestOfTwoBuildsAtOnceTheSecondUsesTheFirsts(t *testing.T) {
	c := newSmallCache(t)
	realPath := os.Getenv("PATH")
	building := stopBuilds(t, alone)

	child := exec.Command(os.Args[0], "-test.run=^TestBuildInAProcessOfItsOwn$")
	child.Env = append(os.Environ(), childRoot+"="+filepath.Dir(c.dir), childSources+"="+saveSources(t, c.recipe))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pipe := building()

	// The first is killed only once the second waits: it has waited for the lock, and did not fail.
	t.Setenv("PATH", realPath)
	told := &recorder{on: func(e report.Event) {
		if e.State == report.Waiting && strings.Contains(e.Message, "another backstack is making an engine") {
			_ = child.Process.Kill()
		}
	}}
	mustEnsure(t, c, told)
	_ = child.Wait()
	waitForEnd(t, pipe)
	if !told.said("another backstack is making an engine") {
		t.Error("the second did not say that it waits")
	}
}

func TestEngineThatAnotherHasMadeMeanwhileIsUsed(t *testing.T) {
	c := newSmallCache(t)
	first := mustEnsure(t, c, report.Discard)
	from, err := c.origin(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first.Program("own"))
	if err != nil {
		t.Fatal(err)
	}
	// As when the first look at the cache came before the other had made it, and the lock after.
	told := &recorder{}
	step := report.Start(told, stepName, "")
	engine, err := c.fill(t.Context(), from, step)
	if err != nil || engine.Dir != first.Dir {
		t.Errorf("got %v, %v: want the engine in %s", engine, err, first.Dir)
	}
	if after, err := os.Stat(first.Program("own")); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was built again: %v", err)
	}
	if told.last() != report.Done {
		t.Errorf("the step ended as %q: want %q", told.last(), report.Done)
	}
}

func TestWaitingForTheLockCanBeCancelled(t *testing.T) {
	c := newSmallCache(t)
	unlock, err := c.lock(t.Context(), report.Start(report.Discard, stepName, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.ensure(ctx, "", &recorder{on: func(e report.Event) {
		if e.State == report.Waiting {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v: want it cancelled", err)
	}
}

const (
	childRoot    = "BACKSTACK_TEST_ENGINE_CACHE"
	childSources = "BACKSTACK_TEST_ENGINE_SOURCES"
)

// TestBuildInAProcessOfItsOwn is what other tests run to have something to kill. By itself it does nothing.
func TestBuildInAProcessOfItsOwn(t *testing.T) {
	root := os.Getenv(childRoot)
	if root == "" {
		return
	}
	sources, err := os.ReadFile(os.Getenv(childSources))
	if err != nil {
		t.Fatal(err)
	}
	mustEnsure(t, cacheFor(t, root, smallRecipeOf(string(sources))), report.Discard)
}

func saveSources(t *testing.T, r recipe) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sources.zip")
	if err := os.WriteFile(path, []byte(r.sources), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// stopBuilds puts a go command on the PATH that never ends a build. The function it returns waits until one has begun,
// and returns the pipe that its processes hold.
func stopBuilds(t *testing.T, how string) (building func() *bufio.Reader) {
	t.Helper()
	fifo := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools(t, map[string]string{
		"git":   forward(lookPath(t, "git")),
		"sleep": forward(lookPath(t, "sleep")),
		"go":    `if [ "$1" = build ]; then exec 3> ` + fifo + "; " + how + "; fi\n" + forward(lookPath(t, "go")),
	}))
	return func() *bufio.Reader {
		t.Helper()
		file, err := os.Open(fifo) // which waits for someone to write
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = file.Close() })
		pipe := bufio.NewReader(file)
		if line, err := pipe.ReadString('\n'); err != nil || line != "building\n" {
			t.Fatalf("the build said %q, %v", line, err)
		}
		return pipe
	}
}

// waitForEnd waits until no process holds the pipe any more, or the test's time is over.
func waitForEnd(t *testing.T, pipe *bufio.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(pipe); err != nil || len(rest) > 0 {
		t.Errorf("the build said %q, %v", rest, err)
	}
}
