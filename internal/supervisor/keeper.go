package supervisor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"time"
)

// keeper keeps one process running, from being applied to being stopped. What happens to it is published on the board.
type keeper struct {
	spec  Process
	dir   string // where it runs if it does not say
	mark  string // what its descendants are known by
	board *board
	fork  *forker
	log   *slog.Logger
	path  string // of its output

	stopping context.Context // done when the process is to end in its own way
	stop     context.CancelFunc
	killing  context.Context  // done when it is to end at once; stopping is done then too
	restarts chan chan<- bool // requests to start it anew, answered when the old run has ended
	gone     chan struct{}    // closed when nothing of the process is left and nothing will come

	pause backoff
}

// ending is how one run went.
type ending struct {
	err      error  // it could not be started
	exit     string // else how it ended
	success  bool
	answers  []chan<- bool // of requests to start it anew, because of which it ended
	healthy  time.Duration // how long it was ready
	finished time.Time
}

func (k *keeper) run() {
	defer close(k.gone)
	defer k.publish(Stopped, func(s *Status) { s.PID, s.Waiting = 0, "" })
	for k.awaitDependencies() {
		if !k.settle(k.runOnce()) {
			return
		}
		k.publish(Waiting, func(s *Status) { s.PID, s.Waiting = 0, "" })
	}
}

// awaitDependencies blocks until everything in After is ready. It returns false if the process is to stop.
func (k *keeper) awaitDependencies() bool {
	for k.stopping.Err() == nil {
		missing, changed := k.board.unsatisfied(k.spec.After)
		if len(missing) == 0 {
			return true
		}
		k.publish(Waiting, func(s *Status) { s.Waiting = strings.Join(missing, ", ") })
		select {
		case <-changed:
		case answer := <-k.restarts:
			answer <- true // it does not run, and will be started anyway
		case <-k.stopping.Done():
		}
	}
	return false
}

// runOnce starts the process and returns when it has ended.
func (k *keeper) runOnce() ending {
	spec := k.spec
	spec.Dir = cmp.Or(spec.Dir, k.dir)
	c, err := startChild(k.fork, spec, k.mark, k.path)
	if err != nil {
		return ending{err: err, finished: time.Now()}
	}
	k.log.Info("process started", "process", k.spec.Name, "pid", c.process.Pid)
	k.publish(Starting, func(s *Status) { s.PID, s.Waiting = c.process.Pid, "" })

	probing, stopProbing := context.WithCancel(k.stopping)
	defer stopProbing()
	ready := k.probe(probing)
	var readySince time.Time
	var e ending
	for running := true; running; {
		select {
		case <-c.exited:
			running = false
		case <-ready:
			ready, readySince = nil, time.Now()
			k.publish(Ready, func(s *Status) { s.Waiting = "" })
		case answer := <-k.restarts:
			e.answers = append(e.answers, answer)
			c.terminate(k.spec.stopSignal(), k.spec.stopTimeout(), k.killing.Done())
		case <-k.stopping.Done():
			c.terminate(k.spec.stopSignal(), k.spec.stopTimeout(), k.killing.Done())
		}
	}
	e.finished = time.Now()
	if !readySince.IsZero() {
		e.healthy = e.finished.Sub(readySince)
	}
	e.exit, e.success = c.exit(), c.succeeded()
	k.log.Info("process ended", "process", k.spec.Name, "pid", c.process.Pid, "exit", e.exit)
	if c.err != nil {
		k.log.Error("cleaning up after a process", "process", k.spec.Name, "error", c.err)
	}
	return e
}

// probe returns a channel that is closed when the process is ready. It never is if ctx ends before, or for a oneshot.
func (k *keeper) probe(ctx context.Context) <-chan struct{} {
	ready := make(chan struct{})
	switch {
	case k.spec.Oneshot:
	case k.spec.Ready == nil:
		close(ready)
	default:
		go func() {
			tell := func(err error) {
				k.board.update(k.spec.Name, func(s *Status) {
					if s.State == Starting {
						s.Waiting = err.Error()
					}
				})
			}
			if k.spec.Ready.await(ctx, tell) == nil {
				close(ready)
			}
		}()
	}
	return ready
}

// settle decides what follows a run and waits for as long as that takes. It returns whether to start the process again.
func (k *keeper) settle(e ending) bool {
	switch {
	case k.stopping.Err() != nil:
		return false
	case len(e.answers) > 0:
		k.pause.reset()
		k.publish(Waiting, func(s *Status) { s.PID, s.Waiting = 0, "" })
		for _, answer := range e.answers {
			answer <- true
		}
		return true
	case e.err != nil && permanent(e.err):
		k.log.Error("starting a process", "process", k.spec.Name, "error", e.err)
		k.publish(Failed, e.record)
		return k.rest(nil)
	case k.spec.Oneshot && e.success:
		k.publish(Done, e.record)
		return k.rest(nil)
	}
	pause := time.NewTimer(k.pause.next(e.healthy))
	defer pause.Stop()
	k.publish(Backoff, e.record)
	return k.rest(pause.C)
}

// rest blocks until the pause is over or the process is asked for again. It returns false if the process is to stop.
func (k *keeper) rest(pause <-chan time.Time) bool {
	select {
	case <-pause:
		k.board.update(k.spec.Name, func(s *Status) { s.Restarts++ })
		return true
	case answer := <-k.restarts:
		k.pause.reset()
		k.publish(Waiting, func(s *Status) { s.Waiting = "" })
		answer <- true
		return true
	case <-k.stopping.Done():
		return false
	}
}

// restart ends the run that there is, if any, and begins another. It returns when the old one has ended, or false if
// the process is to stop.
func (k *keeper) restart() bool {
	answer := make(chan bool, 1)
	select {
	case k.restarts <- answer:
	case <-k.gone:
		return false
	}
	select {
	case <-answer:
		return true
	case <-k.gone:
		return false
	}
}

func (k *keeper) publish(state State, change func(*Status)) {
	k.board.update(k.spec.Name, func(s *Status) {
		s.State = state
		change(s)
	})
}

// record notes the end of a run that nobody asked to end.
func (e ending) record(s *Status) {
	s.PID, s.Waiting, s.LastExitTime = 0, "", e.finished
	s.LastExit = e.exit
	if e.err != nil {
		s.LastExit = e.err.Error()
	}
}

// permanent tells whether starting the program again would fail again, as long as nobody changes something.
func permanent(err error) bool {
	for _, fault := range []syscall.Errno{
		syscall.ENOENT, syscall.EACCES, syscall.EPERM, syscall.ENOEXEC, syscall.ENOTDIR, syscall.ELOOP, syscall.E2BIG,
	} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}
