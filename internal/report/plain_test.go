package report

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets time pass, on a clock that stands still otherwise.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// output is a buffer that is written to while it is looked at.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func checkLines(t *testing.T, out *output, want ...string) {
	t.Helper()
	if got := out.String(); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%swant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestPlainLinesOfAnInstall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		sink := NewPlain(&out)
		cluster := Start(sink, "cluster", "")
		repositories := Start(sink, "repositories", "two of them")
		cluster.Wait("waiting for etcd: not ready")
		pass(time.Second)
		repositories.Unchanged("")
		cluster.Wait("waiting for kube-apiserver: not ready")
		pass(3200 * time.Millisecond)
		cluster.Done("")
		components := Start(sink, "a step with a long name", "")
		pass(61 * time.Second)
		components.Fail(errors.New("kyverno:\n  not ready"))
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
		checkLines(t, &out,
			"cluster         started",
			"repositories    started: two of them",
			"repositories    unchanged",
			"cluster         waiting for kube-apiserver: not ready",
			"cluster         done in 4.2s",
			"a step with a long name started",
			"a step with a long name failed after 1m01s: kyverno:",
			"                  not ready",
		)
	})
}

func TestPlainLinesAboutWaitsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		sink := NewPlain(&out)
		step := Start(sink, "cluster", "")
		for i := range 100 { // a wait that changes ten times a second and says the same half of the time
			step.Wait([]string{"waiting for etcd", "compiling"}[i%2])
			pass(100 * time.Millisecond)
		}
		step.Wait("waiting for etcd")
		pass(time.Minute)
		step.Wait("waiting for etcd")
		pass(time.Minute)
		step.Wait("waiting for kyverno: not ready (2 restarts)")
		pass(time.Minute)
		checkLines(t, &out,
			"cluster         started",
			"cluster         compiling",
			"cluster         waiting for etcd",
			"cluster         compiling",
			"cluster         waiting for etcd",
			"cluster         waiting for kyverno: not ready (2 restarts)",
		)
	})
}

func TestPlainTellsTheLastWaitEvenIfNothingFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out output
		sink := NewPlain(&out)
		step := Start(sink, "cluster", "")
		step.Wait("waiting for etcd")
		pass(2 * time.Second)
		checkLines(t, &out, "cluster         started")
		pass(1001 * time.Millisecond)
		checkLines(t, &out, "cluster         started", "cluster         waiting for etcd")
	})
}

func TestAMessageCannotSteerTheTerminal(t *testing.T) {
	var out output
	sink := NewPlain(&out)
	sink.Report(Event{Step: "clu\x1b[2Jster", State: Done, Message: "\x1b]0;title\x07 over\rwritten"})
	if strings.ContainsAny(out.String(), "\x1b\x07\r") {
		t.Errorf("got %q", out.String())
	}
}

func TestSinksTakeEventsOfManySteps(t *testing.T) {
	for _, mode := range []Mode{Plain, JSON, Terminal} {
		var out output
		sink := New(t.Context(), mode, &out)
		var all sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d"} {
			all.Go(func() {
				step := Start(sink, name, "")
				for range 100 {
					step.Wait("waiting")
				}
				step.Done("")
			})
		}
		all.Wait()
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
		if got := strings.Count(out.String(), "done"); got != 4 {
			t.Errorf("%s: got %d ends, want 4", mode, got)
		}
	}
}
