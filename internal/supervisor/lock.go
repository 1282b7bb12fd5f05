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
	return fmt.Sprintf("starting a supervisor in %s: want a folder without one, but process %d is its supervisor",
		e.Dir, e.PID)
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
	content, err := io.ReadAll(io.LimitReader(file, 32))
	if err != nil {
		return 0, true
	}
	pid, _ = strconv.Atoi(string(bytes.TrimSpace(content)))
	return pid, true
}

// acquireLock makes this process the supervisor of dir until the file is closed or the process ends. It returns a
// *RunningError if another one is.
func acquireLock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the supervisor's folder: %w", err)
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	err = unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &whole)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		_ = file.Close()
		pid, _ := Running(dir)
		return nil, &RunningError{Dir: dir, PID: pid}
	}
	if err == nil {
		err = errors.Join(file.Truncate(0), writePID(file))
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return file, nil
}

func writePID(file *os.File) error {
	_, err := file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}
