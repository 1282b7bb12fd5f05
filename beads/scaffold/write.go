package scaffold

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/back-stack/backstack/beads/bead"
)

// write makes a folder of the files. They are written beside it first, so that the folder is never there with some of
// them only.
func write(dir string, files bead.Files) (err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("making folder %s: %w", parent, err)
	}
	temporary, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("making folder %s: %w", dir, err)
	}
	defer func() {
		if removed := os.RemoveAll(temporary); err == nil && removed != nil {
			err = fmt.Errorf("removing folder %s: %w", temporary, removed)
		}
	}()
	// One below, because the temporary folder itself is for its owner's eyes only.
	whole := filepath.Join(temporary, "bead")
	for name, content := range files.All() {
		target := filepath.Join(whole, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("making folder %s: %w", dir, err)
		}
		if err := os.WriteFile(target, content, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	// The system's own call takes the place of an empty folder, and fails where there is anything else. That of package os
	// refuses both.
	if err := syscall.Rename(whole, dir); err != nil {
		return fmt.Errorf("making folder %s: %w", dir, err)
	}
	return nil
}
