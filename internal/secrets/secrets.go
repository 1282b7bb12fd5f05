// Package secrets keeps the passwords and tokens of a hub: one file each, readable by its owner alone.
package secrets

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/back-stack/backstack/internal/atomicfile"
)

// Dir is a folder of secrets.
type Dir string

// Path is where the secret called name lies.
func (d Dir) Path(name string) string { return filepath.Join(string(d), name) }

// Get returns the secret called name, and "" if there is none.
func (d Dir) Get(name string) (string, error) {
	data, err := os.ReadFile(d.Path(name))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the credential %s: %w", name, err)
	}
	return strings.TrimSpace(string(data)), nil
}

// Set keeps value as the secret called name.
func (d Dir) Set(name, value string) error {
	path := d.Path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keeping the credential %s: %w", name, err)
	}
	return atomicfile.Write(path, []byte(value), 0o600)
}

// Random returns the secret called name, made at random (130 bits or more) if there is none.
func (d Dir) Random(name string) (string, error) {
	if value, err := d.Get(name); err != nil || value != "" {
		return value, err
	}
	value := rand.Text()
	return value, d.Set(name, value)
}
