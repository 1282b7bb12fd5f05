package supervisor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// A supervisor keeps a standby: the same command in another process, which waits for the lock of the folder and does
// nothing else until it has it. The kernel gives it the lock when the supervisor is killed, and it becomes the next
// one. By the mark in its environment it is found, as the supervisor is: by a supervisor that somebody else was faster
// to start, and by whoever ends what a killed supervisor left.

// standbyVariable makes a command that calls Run a standby. It holds the pause before the last takeover, so that a
// supervisor that dies again and again is taken over from ever more rarely.
const standbyVariable = "SUPERVISOR_STANDBY"

// standbyStarter starts the standby of a supervisor of dir that itself took over after a pause.
type standbyStarter func(dir string, pause backoff, output *os.File) (*exec.Cmd, error)

// startStandby runs this program once more.
func startStandby(dir string, pause backoff, output *os.File) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	environ := append(os.Environ(), standbyVariable+"="+pause.last.String(), markOf(dir, reservedName))
	command := detached(dir, self, os.Args[1:], environ, output)
	return command, command.Start()
}

// takeover is how this process became the supervisor.
type takeover struct {
	from  int     // the number of the supervisor that was killed; 0 if there was none
	pause backoff // before it
}

// takeLock makes this process the supervisor of dir: at once, or it returns a *RunningError; as a standby, when the
// supervisor that there is has been killed. The error is that of ctx if it ends before.
func takeLock(ctx context.Context, dir string) (*os.File, takeover, error) {
	last, err := time.ParseDuration(os.Getenv(standbyVariable))
	if err != nil {
		lock, err := acquireLock(dir)
		return lock, takeover{}, err
	}
	_ = os.Unsetenv(standbyVariable)
	begun, pause := time.Now(), backoff{last: last}
	var lock *os.File
	var from int
	locked := make(chan error, 1)
	go func() {
		var err error
		lock, from, err = awaitLock(dir)
		locked <- err
	}()
	select {
	case err = <-locked:
	case <-ctx.Done():
		return nil, takeover{}, ctx.Err() // with this process ends the wait
	}
	if err != nil {
		return nil, takeover{}, err
	}
	if !sleep(ctx, pause.next(time.Since(begun))) {
		return nil, takeover{}, errors.Join(ctx.Err(), lock.Close())
	}
	return lock, takeover{from: from, pause: pause}, nil
}

// keepStandby sees in the background that there is a standby, from when released is closed until the supervisor stops. The
// channel that it returns is closed when none is left.
func (s *Supervisor) keepStandby(released <-chan struct{}) <-chan struct{} {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		select {
		case <-released:
		case <-s.running.Done():
		}
		for pause := (backoff{}); s.standby != nil && s.running.Err() == nil; {
			begun := time.Now()
			fault, err := s.runStandby()
			if s.running.Err() != nil {
				return
			}
			delay := pause.next(time.Since(begun))
			s.log.Error(fault, "error", err, "again in", delay)
			sleep(s.running, delay)
		}
	}()
	return gone
}

// runStandby returns what became of a standby and why. When the supervisor stops, it ends it.
func (s *Supervisor) runStandby() (fault string, err error) {
	command, err := s.standby()
	if err != nil {
		return "the standby cannot be started", err
	}
	defer context.AfterFunc(s.running, func() { _ = command.Process.Kill() })()
	return "the standby ended", command.Wait()
}

// endedWithSupervisor tells in the status of all processes why they were started again, unless one has ended since.
func (f *fleet) endedWithSupervisor() {
	for _, name := range f.names() {
		f.board.update(name, func(s *Status) {
			if s.LastExit == "" {
				s.Restarts++
				s.LastExit, s.LastExitTime = "signal: killed, with its supervisor", time.Now()
			}
		})
	}
}
