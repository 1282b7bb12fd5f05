package supervisor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestAClientWithoutASupervisor(t *testing.T) {
	c := NewClient(t.TempDir())
	ctx := within(t)
	_, statusErr := c.Status(ctx)
	for name, err := range map[string]error{
		"status": statusErr, "apply": c.Apply(ctx, nil), "stop": c.Stop(ctx, 0), "kill": c.Kill(ctx),
		"restart": c.Restart(ctx, "x"), "wait": c.Wait(ctx, nil),
	} {
		if !errors.Is(err, ErrNotRunning) {
			t.Errorf("%s: got %v, want ErrNotRunning", name, err)
		}
	}
}

func TestWaitTellsWhatItWaitsForAndEnds(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.answering("store"), j.answering("api").after("store"), j.process("other", "crasher"))
	var seen []string
	err := c.Wait(within(t), func(pending []Status) {
		var line []string
		for _, s := range pending {
			line = append(line, s.Name)
		}
		seen = append(seen, strings.Join(line, " "))
	}, "api", "store")
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(seen, "other") || seen[len(seen)-1] != "" {
		t.Errorf("got %q", seen)
	}
}

func TestWaitThatEndsEarlySaysWhatIsNotReadyAndWhy(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	never := j.process("api", "sleeper")
	never.Ready = &Probe{URL: "http://localhost", Socket: "/does/not/exist"}
	apply(t, c, j.process("store", "sleeper"), never, j.process("portal", "sleeper").after("api"))

	ctx, cancel := context.WithCancelCause(within(t))
	why := errors.New("patience is over")
	err := c.Wait(ctx, func(pending []Status) {
		if len(pending) == 2 && pending[0].State == Starting && pending[0].Waiting != "" && pending[1].Waiting != "" {
			cancel(why)
		}
	})
	if !errors.Is(err, why) {
		t.Fatal(err)
	}
	want := "waiting for processes to be ready: patience is over\n" +
		"  api: not ready, last answer: http://localhost: dial unix /does/not/exist: connect: no such file or directory, " +
		"log: " + LogPath(c.dir, "api") + "\n" +
		"  portal: waits for api, log: " + LogPath(c.dir, "portal")
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestWaitForWhatCannotComeEndsAtOnce(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, Process{Name: "api", Path: "/does/not/exist"}, j.process("portal", "sleeper").after("api"))
	err := c.Wait(within(t), nil)
	notReady, ok := errors.AsType[*NotReadyError](err)
	if !ok || len(notReady.Pending) != 1 || notReady.Pending[0].Name != "api" || notReady.Cause != nil {
		t.Errorf("a program that is not there: got %v", err)
	}
	if err := c.Wait(within(t), nil, "apo", "api"); err == nil || !strings.Contains(err.Error(), "apo: no such process") {
		t.Errorf("an unknown process: got %v", err)
	}
}

func TestWatchEndsWithTheSupervisor(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	apply(t, c, j.process("api", "sleeper"))
	j.await(t, "api runs")
	var end error
	stopped := make(chan error, 1)
	for list, err := range c.Watch(within(t)) {
		if err != nil {
			end = err
			break
		}
		if list[0].State == Ready {
			go func() { stopped <- c.Stop(context.Background(), 0) }()
		}
	}
	if !errors.Is(end, ErrNotRunning) {
		t.Errorf("got %v, want ErrNotRunning", end)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestReasonsAreForPeople(t *testing.T) {
	for want, s := range map[string]Status{
		"not ready (2 restarts)":                {State: Starting, Restarts: 2},
		"not ready":                             {State: Starting, Waiting: "connection refused"},
		"waits for store, api":                  {State: Waiting, Waiting: "store, api"},
		"about to start":                        {State: Waiting},
		"ended with exit status 1":              {State: Backoff, LastExit: "exit status 1"},
		"ended with signal: killed (1 restart)": {State: Backoff, LastExit: "signal: killed", Restarts: 1},
		"cannot be started: no such file":       {State: Failed, LastExit: "no such file"},
		"done":                                  {State: Done, LastExit: "exit status 0"},
	} {
		if got := s.Reason(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
