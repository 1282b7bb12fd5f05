package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const lockName = "supervisor.lock"

// RunningError says that a folder has a supervisor already.
type RunningError struct {
	Dir string
	PID int
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("%s: want a folder without a supervisor, but process %d is its supervisor", e.Dir, e.PID)
}

// Running tells whether a supervisor of dir runs, and its process number. It asks for the lock that a supervisor holds
// as long as it lives, so neither a file of a dead one nor another process with its number misleads it.
func Running(dir string) (pid int, running bool) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return 0, false
	}
	defer func() { _ = file.Close() }()
	// An open-file-description lock can be asked for without taking it, unlike one of flock(2): a look at a folder must
	// not keep a supervisor from starting there.
	ask := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &ask); err != nil || ask.Type == unix.F_UNLCK {
		return 0, false
	}
	return readPID(file), true
}

// acquireLock makes this process the supervisor of dir until the file is closed or the process ends. It returns a
// *RunningError if another one is.
func acquireLock(dir string) (*os.File, error) {
	file, err := openLock(dir, unix.F_OFD_SETLK)
	if err != nil {
		return nil, err
	}
	return file, writePID(file)
}

// awaitLock is acquireLock for who wants to be the next supervisor: it blocks until the one that there is has ended, and
// returns the number of that one too.
func awaitLock(dir string) (lock *os.File, last int, err error) {
	file, err := openLock(dir, unix.F_OFD_SETLKW)
	if err != nil {
		return nil, 0, err
	}
	return file, readPID(file), writePID(file)
}

// openLock takes the lock, at once or not, as the command for fcntl(2) says. The error is a *RunningError if another process
// has it.
func openLock(dir string, command int) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the supervisor's folder: %w", err)
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.FcntlFlock(file.Fd(), command, &whole)
	}
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		pid, _ := Running(dir)
		return nil, &RunningError{Dir: dir, PID: pid}
	}
	return nil, fmt.Errorf("locking %s: %w", path, err)
}

// readPID returns the number of the last process that had the lock, 0 if nothing tells.
func readPID(lock *os.File) int {
	content, err := io.ReadAll(io.NewSectionReader(lock, 0, 32))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(string(bytes.TrimSpace(content)))
	return pid
}

// writePID says in the lock who has it. If that fails, nobody has.
func writePID(lock *os.File) error {
	// The whole of what was there is written over at once: it is never empty, and needs no room on a disk that is full.
	if _, err := lock.WriteAt(fmt.Appendf(nil, "%-19d\n", os.Getpid()), 0); err != nil {
		_ = lock.Close()
		return fmt.Errorf("locking the supervisor's folder: %w", err)
	}
	return nil
}
