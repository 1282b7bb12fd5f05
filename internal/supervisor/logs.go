package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

const (
	logMost  = 10 << 20 // bytes in a log file before it is rotated
	logKeep  = 3        // rotated files that are kept: name.log.1 is the newest
	logCheck = 2 * time.Second
)

// LogPath returns where the newest output of the process called name lies, under the supervisor's folder dir.
func LogPath(dir, name string) string { return filepath.Join(dir, "logs", name+".log") }

// openLog opens a log for a program to write to. The program gets the file itself and not a pipe to the supervisor: so
// all that it has written is there even if the supervisor is killed, and it is never held up by a supervisor that is
// busy. The log goes on where it ended.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// keepLogsShort rotates the logs in a folder until ctx ends.
func keepLogsShort(ctx context.Context, folder string, log *slog.Logger) {
	ticker := time.NewTicker(logCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		paths, _ := filepath.Glob(filepath.Join(folder, "*.log")) // errs only on a bad pattern
		for _, path := range paths {
			if err := rotate(path, logMost, collapse); err != nil && !errors.Is(err, fs.ErrNotExist) {
				log.Error("rotating a log", "path", path, "error", err)
			}
		}
	}
}

func rotated(path string, i int) string { return fmt.Sprintf("%s.%d", path, i) }

// rotate moves what is in a log that has more than most bytes to the first rotated file, while a program writes to it.
// The program's file stays: what is moved is cut out of its head. On file systems without cut, the log is emptied
// instead, and what is written in the instant between is lost.
//
// Lines may begin in one file and go on in the next; together the files are what was written.
func rotate(path string, most int64, cut func(file *os.File, length int64) error) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() <= most {
		return nil
	}
	for i := logKeep; i > 1; i-- {
		if err := os.Rename(rotated(path, i-1), rotated(path, i)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	older, err := os.OpenFile(rotated(path, 1), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = older.Close() }()

	head := wholeBlocks(file, info.Size())
	from := max(0, head-logKeep*most) // of more than is ever kept, which a program gone wild may write, the end is kept
	if _, err := io.Copy(older, io.NewSectionReader(file, from, head-from)); err != nil {
		return err
	}
	if cut(file, head) == nil {
		return nil
	}
	if _, err := io.Copy(older, io.NewSectionReader(file, head, math.MaxInt64-head)); err != nil {
		return err
	}
	return file.Truncate(0)
}

// collapse cuts so many bytes out of the head of a file, whole blocks but not all of them. Not every file system can.
func collapse(file *os.File, length int64) error {
	return unix.Fallocate(int(file.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, length)
}

// wholeBlocks returns how much of a file of the given size can be cut out of its head.
func wholeBlocks(file *os.File, size int64) int64 {
	block := int64(4096)
	var system unix.Statfs_t
	if err := unix.Fstatfs(int(file.Fd()), &system); err == nil && system.Bsize > 0 {
		block = system.Bsize
	}
	return (size - 1) / block * block
}
