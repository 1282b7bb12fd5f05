// Package supervisor keeps a set of programs running without anybody watching: it starts them in order, tells when they
// are ready, restarts what ends, rotates what they write, and stops them in order. It knows processes and nothing of
// what they are for.
//
// A supervisor is a process of its own, which Start launches in the background and which calls Run. It belongs to a
// folder, which holds everything that it needs and makes:
//
//	supervisor.lock   held as long as it lives; one folder has one supervisor
//	supervisor.sock   where a Client reaches it
//	processes.json    the processes to run, so that the next supervisor of the folder runs the same
//	logs/             NAME.log of each process, rotated, and supervisor.log
//
// All of it is for the folder's owner alone. When a supervisor is killed, its processes are killed by the kernel, and its
// standby, another process of the same command, becomes the next one and begins anew; it adopts nothing.
package supervisor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Options say what Run supervises.
type Options struct {
	// Dir is the supervisor's folder. It is made if it is not there.
	Dir string
	// Background are functions to run beside the processes.
	Background []Background
	// Log is where the supervisor tells what it does; a rotated file in Dir if nil.
	Log *slog.Logger
}

// Supervisor is a running supervisor, as the functions that run within it see it. All methods may be called
// concurrently.
type Supervisor struct {
	dir     string // resolved
	log     *slog.Logger
	server  *http.Server
	fleet   *fleet
	standby func() (*exec.Cmd, error) // starts one; nil for none
	running context.Context           // done when it is to stop
	stop    context.CancelFunc
}

// Run supervises until ctx ends, the process gets SIGTERM, SIGINT or SIGHUP, or a client asks it to stop; then it stops
// its processes in order and returns nil. It returns a *RunningError if the folder has a supervisor already. It is
// meant to be all that its process does: what the process and its children write is for their owner alone from then on.
func Run(ctx context.Context, o Options) error {
	by := launchedBy()
	return run(ctx, o, startStandby, by.released, by.announce)
}

// run is Run; it calls reachable when clients are answered, and has a standby once released is closed.
func run(ctx context.Context, o Options, standby standbyStarter, released <-chan struct{}, reachable func()) (err error) {
	inheritNothing()
	syscall.Umask(0o077)
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()

	dir, err := makeFolder(o.Dir)
	if err != nil {
		return err
	}
	lock, taken, err := takeLock(ctx, dir)
	if err != nil {
		return err
	}
	// The connections are closed last of all: a client that asked for the end takes it from there.
	server := &http.Server{ReadHeaderTimeout: time.Minute}
	defer func() { err = errors.Join(err, lock.Close(), server.Close()) }()

	own, err := openLog(LogPath(dir, reservedName))
	if err != nil {
		return fmt.Errorf("opening the supervisor's log: %w", err)
	}
	defer func() { _ = own.Close() }()
	s := &Supervisor{dir: dir, server: server, log: cmp.Or(o.Log, slog.New(slog.NewTextHandler(own, nil)))}
	if standby != nil {
		s.standby = func() (*exec.Cmd, error) { return standby(dir, taken.pause, own) }
	}
	s.running, s.stop = context.WithCancel(ctx)
	defer s.stop()
	return s.supervise(o.Background, taken, released, reachable)
}

// supervise is what a supervisor does while it holds the lock.
func (s *Supervisor) supervise(functions []Background, taken takeover, released <-chan struct{}, reachable func()) error {
	standby := s.keepStandby(released)
	defer func() {
		s.stop()
		<-standby
	}()
	list, listener, err := s.prepare()
	for pause := taken.pause; err != nil && taken.from != 0; list, listener, err = s.prepare() {
		delay := pause.next(0) // nobody else would try again
		s.log.Error("taking over", "error", err, "again in", delay)
		if !sleep(s.running, delay) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(filepath.Join(s.dir, socketName)) }()

	s.log.Info("supervisor started", "pid", os.Getpid(), "processes", len(list))
	s.fleet = newFleet(s.dir, s.log)
	launched := s.fleet.launch(list) // before anybody can apply another list
	if taken.from != 0 {
		s.log.Error("the supervisor before was killed, and the processes with it", "pid", taken.from)
		s.fleet.endedWithSupervisor()
	}
	broken := s.serve(listener)
	reachable()
	s.untilStopped(functions)
	_ = listener.Close() // not before, so that a stop that takes long can be followed by a kill
	return errors.Join(launched, <-broken)
}

// prepare ends what the last supervisor left, but not this one's standby, and returns what is to run and where clients
// come in.
func (s *Supervisor) prepare() ([]Process, net.Listener, error) {
	left := allOf(s.dir)
	if err := sweep(func(p procStat) bool { return p.parent != os.Getpid() && left(p) }); err != nil {
		return nil, nil, err
	}
	list, err := loadProcesses(s.dir)
	if err != nil {
		return nil, nil, err
	}
	listener, err := listen(s.dir)
	return list, listener, err
}

// serve answers clients. When that breaks, it stops the supervisor, since nobody could any more; the channel yields
// why, or nil when the listener was closed.
func (s *Supervisor) serve(listener net.Listener) <-chan error {
	s.server.Handler = s.handler()
	broken := make(chan error, 1)
	go func() {
		err := s.server.Serve(listener)
		if errors.Is(err, net.ErrClosed) {
			err = nil
		}
		broken <- err
		s.stop()
	}()
	return broken
}

// untilStopped returns when the supervisor was stopped and nothing is left of what it ran.
func (s *Supervisor) untilStopped(functions []Background) {
	var upkeep sync.WaitGroup
	upkeep.Go(func() { keepLogsShort(s.running, filepath.Join(s.dir, "logs"), s.log) })
	ended := runBackground(s.running, s, functions)
	<-s.running.Done()
	s.log.Info("supervisor stopping")
	s.fleet.close()
	s.awaitBackground(ended)
	upkeep.Wait()
}

// Apply makes list the processes that are supervised, and stores it: what is new is started, what differs is restarted,
// what is not in the list any more is stopped and forgotten, and what is unchanged is left alone. It returns when what
// had to end has ended. If anything is wrong with the list, nothing is done, and the error names all of it.
func (s *Supervisor) Apply(list []Process) error { return s.fleet.apply(list) }

// Restart ends the named process, if it runs, and starts it again. It returns when the old one has ended.
func (s *Supervisor) Restart(name string) error { return s.fleet.restart(name) }

// Status returns the status of every process, in the order in which they were applied.
func (s *Supervisor) Status() []Status {
	list, _ := s.fleet.board.read()
	for i := range list {
		list[i].RSS = residentMemory(list[i].PID)
	}
	return list
}

// Watch yields the status of every process, now and after each change, until ctx ends or the caller breaks off. Changes
// that follow each other faster than the caller takes them are seen as one.
func (s *Supervisor) Watch(ctx context.Context) iter.Seq[[]Status] {
	return func(yield func([]Status) bool) {
		for {
			list, changed := s.fleet.board.read()
			if !yield(list) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// stopWithin stops the supervisor. What has not ended by itself after grace is killed; with no grace, each process has
// the time that its StopTimeout gives it.
func (s *Supervisor) stopWithin(grace time.Duration) {
	if grace > 0 {
		time.AfterFunc(grace, s.fleet.kill)
	}
	s.stop()
}

// kill kills all processes and ends the supervisor.
func (s *Supervisor) kill() {
	s.fleet.kill()
	s.stop()
}
