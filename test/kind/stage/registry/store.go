package registry

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// store keeps the contents of images in files called by their SHA-256.
type store struct {
	pushed string   // the folder for what is pushed
	others []string // folders that are only read
}

func (s store) open(digest v1.Hash) (*os.File, error) {
	for _, dir := range append([]string{s.pushed}, s.others...) {
		file, err := os.Open(filepath.Join(dir, digest.Hex))
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
	}
	return nil, registry.ErrNotFound
}

// Stat implements registry.BlobStatHandler.
func (s store) Stat(_ context.Context, _ string, digest v1.Hash) (int64, error) {
	file, err := s.open(digest)
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Get implements registry.BlobHandler.
func (s store) Get(_ context.Context, _ string, digest v1.Hash) (io.ReadCloser, error) {
	return s.open(digest)
}

// Put implements registry.BlobPutHandler.
func (s store) Put(_ context.Context, _ string, digest v1.Hash, content io.ReadCloser) error {
	temp, err := os.CreateTemp(s.pushed, ".upload-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // which fails once it has its name
	_, err = io.Copy(temp, content)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), filepath.Join(s.pushed, digest.Hex))
}
