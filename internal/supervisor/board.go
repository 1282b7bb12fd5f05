package supervisor

import (
	"slices"
	"sync"
	"time"
)

// board holds the status of every process. Whoever waits for a change waits on a channel that is closed by the next
// one: nobody has to be told apart, and a slow reader misses states in between but never the last one.
type board struct {
	mu       sync.Mutex
	order    []string
	statuses map[string]Status
	changed  chan struct{}
}

func newBoard() *board {
	return &board{statuses: map[string]Status{}, changed: make(chan struct{})}
}

// read returns all statuses in the order of the processes, and a channel that is closed when they are no longer true.
func (b *board) read() ([]Status, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]Status, 0, len(b.order))
	for _, name := range b.order {
		if status, ok := b.statuses[name]; ok {
			list = append(list, status)
		}
	}
	return list, b.changed
}

// unsatisfied returns those of names that are not ready, and a channel as of read.
func (b *board) unsatisfied(names []string) ([]string, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var missing []string
	for _, name := range names {
		if !b.statuses[name].Satisfied() {
			missing = append(missing, name)
		}
	}
	return missing, b.changed
}

// update changes the status of one process, which need not be known yet.
func (b *board) update(name string, change func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.statuses[name]
	status := old
	change(&status)
	if status.State != old.State {
		status.Since = time.Now()
	}
	if status == old {
		return
	}
	b.statuses[name] = status
	b.announce()
}

// arrange gives the order in which read lists processes. Those that run but are not named come last.
func (b *board) arrange(names []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	rest := slices.DeleteFunc(b.order, func(name string) bool { return slices.Contains(names, name) })
	b.order = append(slices.Clone(names), rest...)
	b.announce()
}

// forget removes one process.
func (b *board) forget(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.statuses, name)
	b.order = slices.DeleteFunc(b.order, func(other string) bool { return other == name })
	b.announce()
}

func (b *board) announce() {
	close(b.changed)
	b.changed = make(chan struct{})
}
