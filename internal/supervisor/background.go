package supervisor

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Background is a function that runs within the supervisor as long as it does. When it returns an error, or panics, it
// is called again after a pause that grows as that of processes does; when it returns nil, it is done. It must end when
// ctx does, which is when the processes are stopped.
type Background func(ctx context.Context, s *Supervisor) error

const backgroundTimeout = 5 * time.Second

// runBackground runs all functions and returns a channel that is closed when they have ended.
func runBackground(ctx context.Context, s *Supervisor, functions []Background) <-chan struct{} {
	ended := make(chan struct{})
	var all sync.WaitGroup
	for i, function := range functions {
		all.Go(func() { s.repeat(ctx, i, function) })
	}
	go func() {
		defer close(ended)
		all.Wait()
	}()
	return ended
}

// awaitBackground gives functions that do not obey their context a little time, and then leaves them.
func (s *Supervisor) awaitBackground(ended <-chan struct{}) {
	timer := time.NewTimer(backgroundTimeout)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
		s.log.Error("a background function does not end")
	}
}

func (s *Supervisor) repeat(ctx context.Context, number int, function Background) {
	var pause backoff
	for {
		begun := time.Now()
		err := s.call(ctx, function)
		if err == nil || ctx.Err() != nil {
			return
		}
		delay := pause.next(time.Since(begun))
		s.log.Error("background function ended", "number", number, "error", err, "again in", delay)
		if !sleep(ctx, delay) {
			return
		}
	}
}

// call turns a panic into an error: a fault in an extra must not take all processes down with the supervisor.
func (s *Supervisor) call(ctx context.Context, function Background) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	return function(ctx, s)
}
