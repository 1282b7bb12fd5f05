package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
)

// resolve returns the one name of dir by which its supervisor and the marks of its processes go.
func resolve(dir string) (string, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the supervisor's folder: %w", err)
	}
	resolved, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		return "", fmt.Errorf("finding the supervisor's folder: %w", err)
	}
	return resolved, nil
}

// makeFolder makes dir and its log folder, which only their owner can enter, and returns dir's resolved name.
func makeFolder(dir string) (string, error) {
	for _, path := range []string{dir, filepath.Join(dir, "logs")} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return "", fmt.Errorf("making the supervisor's folder: %w", err)
		}
		if err := os.Chmod(path, 0o700); err != nil {
			return "", fmt.Errorf("closing the supervisor's folder to others: %w", err)
		}
	}
	return resolve(dir)
}
