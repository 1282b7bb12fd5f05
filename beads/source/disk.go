package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// fetchLibrary returns a Bead that comes with backstack.
func fetchLibrary(ref Reference, library fs.FS) (*Fetched, error) {
	names, err := beads(library)
	if err != nil {
		return nil, fmt.Errorf("reading the library: %w", err)
	}
	if len(names) == 0 {
		return nil, errors.New("the library is empty: write ./FOLDER for a folder")
	}
	folder, err := fs.Sub(library, ref.Path)
	if err == nil {
		_, err = fs.Stat(folder, ".")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the library has no Bead %s: %s; write ./%s for a folder",
			ref.Path, strictyaml.OneOf(ref.Path, names), ref.Path)
	}
	if err != nil {
		return nil, err
	}
	files, err := artifact.ReadFS(folder)
	return &Fetched{Files: files, Source: ref.String(), Origin: ref.String()}, err
}

// beads names the Beads of a library.
func beads(library fs.FS) ([]string, error) {
	if library == nil {
		return nil, nil
	}
	entries, err := fs.ReadDir(library, ".")
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

// fetchFolder returns the files of a folder on this machine. The path to it may lead through links, as typed; what is
// in it may not.
func fetchFolder(ref Reference, home string) (*Fetched, error) {
	path, err := expand(ref.Path, home)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, errors.New("it is no folder: want the folder that bead.yaml is in, or a file made by bead package")
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	files, err := artifact.ReadFS(root.FS())
	return &Fetched{Files: files, Source: onDisk(path), Origin: onDisk(path)}, err
}

// fetchFile returns the Bead in a file made by bead package.
func fetchFile(ref Reference, home string) (*Fetched, error) {
	path, err := expand(ref.Path, home)
	if err != nil {
		return nil, err
	}
	p, err := artifact.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return &Fetched{Files: p.Files, Source: onDisk(path), Origin: onDisk(path), Version: p.About.Version}, nil
}

// expand replaces ~, which shells leave where it is quoted.
func expand(path, home string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok {
		return path, nil
	}
	if home == "" {
		return "", errors.New("the home folder is not known: write the whole path")
	}
	return filepath.Join(home, rest), nil
}
