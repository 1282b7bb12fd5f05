package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// ErrStopping is the answer to requests that come when the supervisor is about to end.
var ErrStopping = errors.New("the supervisor is stopping")

// fleet is the set of processes that a supervisor keeps.
type fleet struct {
	dir   string // resolved
	board *board
	fork  *forker
	log   *slog.Logger

	killing context.Context    // done when every process is to end at once
	kill    context.CancelFunc // ends every process at once

	applying sync.Mutex // held by Apply, which may wait for processes to end

	mu      sync.Mutex // held briefly
	closed  bool       // no process may be added any more
	keepers map[string]*keeper
}

func newFleet(dir string, log *slog.Logger) *fleet {
	killing, kill := context.WithCancel(context.Background())
	return &fleet{
		dir: dir, board: newBoard(), fork: newForker(), log: log,
		killing: killing, kill: kill, keepers: map[string]*keeper{},
	}
}

// invalidError is a list of processes that cannot be.
type invalidError struct{ error }

func (e invalidError) Unwrap() error { return e.error }

// apply makes the processes those of the list, and returns when the ones that must go have gone; it does not wait for
// new ones.
func (f *fleet) apply(list []Process) error {
	if err := validate(list); err != nil {
		return invalidError{fmt.Errorf("applying a list of processes: %w", err)}
	}
	f.applying.Lock()
	defer f.applying.Unlock()
	if f.isClosed() {
		return ErrStopping
	}
	// The list is stored first: a supervisor that is killed from here on is followed by one that does the rest.
	if err := storeProcesses(f.dir, list); err != nil {
		return err
	}
	return f.launch(list)
}

func (f *fleet) launch(list []Process) error {
	leaving := f.leaving(list)
	f.stopInOrder(leaving)
	f.forgetAll(leaving, list)

	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrStopping
	}
	f.board.arrange(names(list))
	for _, spec := range list {
		if _, kept := f.keepers[spec.Name]; !kept {
			f.keepers[spec.Name] = f.keep(spec)
		}
	}
	return nil
}

// leaving returns the processes that the list does not have, or has differently.
func (f *fleet) leaving(list []Process) map[string]*keeper {
	f.mu.Lock()
	defer f.mu.Unlock()
	leaving := map[string]*keeper{}
	for name, k := range f.keepers {
		same := func(p Process) bool { return p.Name == name && p.equal(k.spec) }
		if !slices.ContainsFunc(list, same) {
			leaving[name] = k
		}
	}
	return leaving
}

// forgetAll drops stopped processes; those that the list has stay on the board, so that what comes after them waits.
func (f *fleet) forgetAll(stopped map[string]*keeper, list []Process) {
	f.mu.Lock()
	defer f.mu.Unlock()
	listed := names(list)
	for name := range stopped {
		delete(f.keepers, name)
		if !slices.Contains(listed, name) {
			f.board.forget(name)
		}
	}
}

// keep begins to keep a process.
func (f *fleet) keep(spec Process) *keeper {
	stopping, stop := context.WithCancel(f.killing)
	k := &keeper{
		spec: spec, dir: f.dir, mark: markOf(f.dir, spec.Name), board: f.board, fork: f.fork, log: f.log,
		path:     LogPath(f.dir, spec.Name),
		stopping: stopping, stop: stop, killing: f.killing,
		restarts: make(chan chan<- bool), gone: make(chan struct{}),
	}
	f.board.update(spec.Name, func(s *Status) { *s = Status{Name: spec.Name, State: Waiting, Log: k.path} })
	go k.run()
	return k
}

// stopInOrder stops the processes, each when those that come after it are gone, and returns when all are.
func (f *fleet) stopInOrder(keepers map[string]*keeper) {
	var all sync.WaitGroup
	for name, k := range keepers {
		all.Go(func() {
			for _, other := range keepers {
				if slices.Contains(other.spec.After, name) {
					<-other.gone
				}
			}
			k.stop()
			<-k.gone
		})
	}
	all.Wait()
}

// close stops all processes in order and lets no other in.
func (f *fleet) close() {
	f.mu.Lock()
	f.closed = true
	keepers := make(map[string]*keeper, len(f.keepers))
	for name, k := range f.keepers {
		keepers[name] = k
	}
	f.mu.Unlock()
	f.stopInOrder(keepers)
	// An Apply that was under way has stopped its processes too, or finds that it may not go on.
	f.applying.Lock()
	defer f.applying.Unlock()
	f.fork.close()
}

func (f *fleet) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// restart ends the named process and starts it again.
func (f *fleet) restart(name string) error {
	f.mu.Lock()
	k, known := f.keepers[name]
	f.mu.Unlock()
	if !known {
		return invalidError{fmt.Errorf("restarting process %q: want one of %v", name, f.names())}
	}
	if !k.restart() {
		return fmt.Errorf("restarting process %q: it was stopped", name)
	}
	return nil
}

func (f *fleet) names() []string {
	list, _ := f.board.read()
	names := make([]string, 0, len(list))
	for _, s := range list {
		names = append(names, s.Name)
	}
	return names
}

func names(list []Process) []string {
	names := make([]string, 0, len(list))
	for _, p := range list {
		names = append(names, p.Name)
	}
	return names
}
