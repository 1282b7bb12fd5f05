package hub

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestStepsRunAfterWhatTheyNeed(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(name string, needs ...string) step {
		return step{name: name, needs: needs, run: func(context.Context, *report.Step) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, name)
			return "done", nil
		}}
	}
	steps := []step{note("last", "left", "right"), note("left", "first"), note("right", "first"), note("first")}
	if err := runSteps(t.Context(), steps, report.Discard); err != nil {
		t.Fatal(err)
	}
	if order[0] != "first" || order[3] != "last" {
		t.Errorf("order %v", order)
	}
}

// Each of two steps waits until the other runs: that ends only if they run at once.
func TestIndependentStepsRunAtOnce(t *testing.T) {
	left, right := make(chan struct{}), make(chan struct{})
	meet := func(mine, other chan struct{}) func(context.Context, *report.Step) (string, error) {
		return func(ctx context.Context, _ *report.Step) (string, error) {
			close(mine)
			select {
			case <-other:
				return "", nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
	}
	err := runSteps(t.Context(), []step{
		{name: "left", run: meet(left, right)}, {name: "right", run: meet(right, left)},
	}, report.Discard)
	if err != nil {
		t.Error(err)
	}
}

func TestFailedStepEndsTheOthersAndNamesItself(t *testing.T) {
	fault := errors.New("no disk")
	var mu sync.Mutex
	var events []report.Event
	to := report.Func(func(e report.Event) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	})
	never := func(context.Context, *report.Step) (string, error) {
		t.Error("a step ran although what it needs failed")
		return "", nil
	}
	err := runSteps(t.Context(), []step{
		{name: "endless", run: func(ctx context.Context, _ *report.Step) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}},
		{name: "broken", run: func(context.Context, *report.Step) (string, error) { return "", fault }},
		{name: "after", needs: []string{"broken"}, run: never},
	}, to)
	if !errors.Is(err, fault) || !strings.HasPrefix(err.Error(), "broken: ") {
		t.Errorf("error %v, want the fault with the step's name", err)
	}
	if !slices.ContainsFunc(events, func(e report.Event) bool { return e.Step == "endless" && e.State == report.Failed }) {
		t.Errorf("the step that was ended is not reported: %v", events)
	}
}

func TestStepsEndWithTheirContext(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := runSteps(ctx, []step{{name: "endless", run: func(ctx context.Context, _ *report.Step) (string, error) {
		cancel(cause)
		<-ctx.Done()
		return "", context.Cause(ctx)
	}}}, report.Discard)
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

func TestStepThatDidNothingIsUnchanged(t *testing.T) {
	var last report.Event
	to := report.Func(func(e report.Event) { last = e })
	run := func(context.Context, *report.Step) (string, error) { return "", nil }
	if err := runSteps(t.Context(), []step{{name: "idle", run: run}}, to); err != nil {
		t.Fatal(err)
	}
	if last.State != report.Unchanged {
		t.Errorf("state %s, want %s", last.State, report.Unchanged)
	}
}
