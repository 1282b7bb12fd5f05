package hub

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/back-stack/backstack/internal/report"
)

// step is a part of an install. It looks at what there is, makes true what is not, and can be run any number of times.
type step struct {
	name  string
	needs []string // the steps that must have ended well before
	// run returns what it did for a person to read, "" if there was nothing to do.
	run func(ctx context.Context, s *report.Step) (string, error)
}

// runSteps runs the steps, each as soon as what it needs is done. The first fault ends those that still run; it is the
// one that is returned.
func runSteps(ctx context.Context, steps []step, to report.Reporter) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := map[string]chan struct{}{}
	for _, s := range steps {
		done[s.name] = make(chan struct{})
	}
	var running sync.WaitGroup
	var once sync.Once
	var first error
	for _, s := range steps {
		running.Go(func() {
			if !await(ctx, s.needs, done) {
				return
			}
			if err := s.do(ctx, to); err != nil {
				once.Do(func() {
					first = err
					cancel(errStopped)
				})
				return
			}
			close(done[s.name])
		})
	}
	running.Wait()
	if first == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return first
}

// errStopped ends the steps that run beside one that failed.
var errStopped = errors.New("another step failed")

func await(ctx context.Context, names []string, done map[string]chan struct{}) bool {
	for _, name := range names {
		select {
		case <-done[name]:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (s step) do(ctx context.Context, to report.Reporter) error {
	reported := report.Start(to, s.name, "")
	message, err := s.run(ctx, reported)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errStopped):
		reported.Fail(errStopped)
		return err
	case err != nil:
		reported.Fail(err)
		return fmt.Errorf("%s: %w", s.name, err)
	case message == "":
		reported.Unchanged("")
	default:
		reported.Done(message)
	}
	return nil
}
