package supervisor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestBackgroundFunctionsAreCalledAgainWhenTheyFail(t *testing.T) {
	calls := make(chan int, 10)
	ended := make(chan struct{})
	count := 0
	background := func(ctx context.Context, _ *Supervisor) error {
		count++
		calls <- count
		switch count {
		case 1:
			return errors.New("no luck")
		case 2:
			panic("worse")
		}
		<-ctx.Done()
		<-time.After(50 * time.Millisecond) // it has something to put in order
		close(ended)
		return nil
	}
	dir := t.TempDir()
	c := supervise(t, dir, background)
	for want := 1; want <= 3; want++ {
		if got := <-calls; got != want {
			t.Fatalf("got call %d, want %d", got, want)
		}
	}
	if err := c.Stop(within(t), 0); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	default:
		t.Error("Stop returned before the function had ended")
	}
	lines, err := TailLog(dir, "supervisor", 1000)
	if err != nil {
		t.Fatal(err)
	}
	log := strings.Join(lines, "\n")
	if !strings.Contains(log, "no luck") || !strings.Contains(log, "panic: worse") {
		t.Errorf("the log does not tell of the failures: %s", log)
	}
}

func TestBackgroundFunctionsSeeTheProcesses(t *testing.T) {
	j := newJournal(t)
	ready := make(chan Status, 1)
	c := supervise(t, t.TempDir(), func(ctx context.Context, s *Supervisor) error {
		for list := range s.Watch(ctx) {
			if len(list) == 1 && list[0].State == Ready {
				ready <- s.Status()[0]
				return nil
			}
		}
		return ctx.Err()
	})
	apply(t, c, j.process("api", "sleeper"))
	if got := <-ready; got.Name != "api" || got.RSS == 0 {
		t.Errorf("got %+v", got)
	}
}
