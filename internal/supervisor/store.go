package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/back-stack/backstack/internal/atomicfile"
)

// The list of processes outlives the supervisor, so that it starts the same ones when the machine has been restarted.
// It holds their environments, and so may hold credentials.
func storePath(dir string) string { return filepath.Join(dir, "processes.json") }

func storeProcesses(dir string, list []Process) error {
	data, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("storing the list of processes: %w", err)
	}
	return atomicfile.Write(storePath(dir), append(data, '\n'), 0o600)
}

// loadProcesses returns an empty list if none was ever stored.
func loadProcesses(dir string) ([]Process, error) {
	data, err := os.ReadFile(storePath(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("loading the list of processes: %w", err)
	}
	var list []Process
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("loading the list of processes: %s: %w", storePath(dir), err)
	}
	if err := validate(list); err != nil {
		return nil, fmt.Errorf("loading the list of processes: %s: %w", storePath(dir), err)
	}
	return list, nil
}
