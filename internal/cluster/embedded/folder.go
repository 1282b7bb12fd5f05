package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// stateSpace is what a hub's data, logs and temporary files may need, in bytes.
const stateSpace = 512 << 20

// checkFolder says why a hub cannot keep its files in dir, which need not be there yet.
func checkFolder(dir string) error {
	place, err := nearest(dir)
	if err != nil {
		return fmt.Errorf("the hub's folder %s: %w: want a folder that this user can make; XDG_STATE_HOME names another", dir, err)
	}
	if err := unix.Access(place, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("the hub's folder %s: writing to %s: %w: want a folder that this user can write to; XDG_STATE_HOME "+
			"names another", dir, place, err)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(place, &disk); err != nil {
		return fmt.Errorf("the hub's folder %s: asking for free space: %w", dir, err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < stateSpace {
		return fmt.Errorf("the hub's folder %s: %d MiB are free: want %d; free some, or name another disk with XDG_STATE_HOME",
			dir, free>>20, stateSpace>>20)
	}
	return nil
}

// removeAll removes dir with all that is in it, folders too that not even their owner may list, as Argo CD makes them.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o700) // the walk lists a folder after this
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil // a process that is being ended removes its own
		}
		return err
	})
	if err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// nearest is dir, or the closest folder above it that is there.
func nearest(dir string) (string, error) {
	for {
		info, err := os.Stat(dir)
		switch {
		case err == nil && info.IsDir():
			return dir, nil
		case err == nil:
			return "", fmt.Errorf("%s is not a folder", dir)
		case !errors.Is(err, os.ErrNotExist) || dir == filepath.Dir(dir):
			return "", err
		}
		dir = filepath.Dir(dir)
	}
}
