// Package atomicfile writes files that are either whole or as they were before, whenever the process is killed or the machine
// loses its power.
package atomicfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Write puts data at path with the given mode, through a temporary file in the same folder. A file that already holds
// just that with that mode is left alone. What a process left that was killed while it wrote the same file is removed.
func Write(path string, data []byte, mode os.FileMode) (err error) {
	if same(path, data, mode) {
		return nil
	}
	removeLeft(path)
	temp, err := os.CreateTemp(filepath.Dir(path), prefix(path)+strconv.Itoa(os.Getpid())+"-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
			err = fmt.Errorf("writing %s: %w", path, err)
		}
	}()
	if err := temp.Chmod(mode); err != nil {
		return err
	}
	if _, err := temp.Write(data); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil { // or the name could be on the disk before the content is
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// prefix is what the names of temporary files for path begin with. The number of the process that writes one follows.
func prefix(path string) string { return ".tmp-" + filepath.Base(path) + "-" }

// removeLeft removes temporary files for path of processes that are no more. What it cannot remove does no harm.
func removeLeft(path string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return
	}
	for _, entry := range entries {
		rest, temporary := strings.CutPrefix(entry.Name(), prefix(path))
		writer, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(writer)
		if temporary && err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.Remove(filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
}

func same(path string, data []byte, mode os.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != mode || info.Size() != int64(len(data)) {
		return false
	}
	old, err := os.ReadFile(path)
	return err == nil && bytes.Equal(old, data)
}
