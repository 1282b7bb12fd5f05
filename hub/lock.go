package hub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// holder is who holds a hub's lock, as it is written into the lock's file.
type holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

// LockedError says that another process works on the hub.
type LockedError struct {
	Hub    string
	holder holder
}

func (e *LockedError) Error() string {
	if e.holder.PID == 0 {
		return fmt.Sprintf("hub %s is locked by another process: try again when it has ended", e.Hub)
	}
	return fmt.Sprintf("hub %s is locked by `backstack %s`, process %d, since %s: wait for it to end, or end it",
		e.Hub, e.holder.Command, e.holder.PID, e.holder.Since.Local().Format(time.TimeOnly))
}

// lock is held by one process at a time that changes a hub. The kernel lets go of it when the process ends, however it
// ends, so there is no stale lock: the next one takes over.
type lock struct {
	file *os.File
}

// acquireLock takes the lock of the hub called name, whose folder is dir. It does not wait: if somebody else holds it,
// the error is a *LockedError.
func acquireLock(dir, name, command string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	path := filepath.Join(dir, "lock")
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking hub %s: %w", name, err)
		}
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			defer func() { _ = file.Close() }()
			return nil, &LockedError{Hub: name, holder: readHolder(file)}
		}
		if err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("locking hub %s: %w", name, err)
		}
		if !isAt(file, path) {
			// An uninstall has removed the file since it was opened: what is locked is no longer the hub's lock.
			_ = file.Close()
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return nil, fmt.Errorf("making the state folder: %w", err)
			}
			continue
		}
		taken := &lock{file: file}
		if err := writeHolder(file, command); err != nil {
			taken.release()
			return nil, err
		}
		return taken, nil
	}
}

func isAt(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	current, err := os.Stat(path)
	return err == nil && os.SameFile(mine, current)
}

func writeHolder(file *os.File, command string) error {
	data, err := json.Marshal(holder{PID: os.Getpid(), Command: command, Since: time.Now()})
	if err != nil {
		return fmt.Errorf("encoding the lock's holder: %w", err)
	}
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("writing the lock's holder: %w", err)
	}
	if _, err := file.WriteAt(data, 0); err != nil {
		return fmt.Errorf("writing the lock's holder: %w", err)
	}
	return nil
}

// readHolder returns the zero holder where nothing sensible is written.
func readHolder(file *os.File) holder {
	var h holder
	data, err := io.ReadAll(io.NewSectionReader(file, 0, 4096))
	if err != nil || json.Unmarshal(data, &h) != nil {
		return holder{}
	}
	return h
}

// release lets go of the lock. A folder that holds nothing but the lock is no hub's: it is removed, with those above it
// that are empty then.
func (l *lock) release() {
	defer func() { _ = l.file.Close() }()
	dir := filepath.Dir(l.file.Name())
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || !isAt(l.file, l.file.Name()) {
		return
	}
	for _, path := range []string{l.file.Name(), dir, filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if os.Remove(path) != nil {
			return
		}
	}
}
