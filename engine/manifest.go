package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The parts of an engine's folder.
const (
	binDir       = "bin"
	shareDir     = "share"
	manifestName = "manifest.json"
)

// Manifest says what is in an engine's folder. Its JSON form is in the folder and in an archive; it only grows.
type Manifest struct {
	Hash     string         `json:"hash"`     // of Inputs and Go: the folder's name in the cache
	Inputs   string         `json:"inputs"`   // hash of the pinned sources, how they are built, and OS and Arch
	Go       string         `json:"go"`       // the version of Go that built it, for example "go1.26.8"
	OS       string         `json:"os"`       // as GOOS
	Arch     string         `json:"arch"`     // as GOARCH
	Programs []BuiltProgram `json:"programs"` // in the order of Programs
	Packages []Package      `json:"packages"` // Crossplane packages
	Files    []File         `json:"files"`    // every other file, in order of path
}

// File is a regular file of an engine.
type File struct {
	Path   string `json:"file"`   // slash-separated, relative to the engine's folder
	Size   int64  `json:"size"`   // in bytes
	SHA256 string `json:"sha256"` // in lower-case hexadecimal
}

// BuiltProgram is a program with its file.
type BuiltProgram struct {
	Program
	File
}

// Package is what a Crossplane package contains, as Crossplane's package cache has it: a gzipped stream of YAML
// documents, of which the first is the package's metadata.
type Package struct {
	Name    string `json:"name"`
	Module  string `json:"module"`
	Version string `json:"version"`
	Digest  string `json:"digest"` // SHA-256 of the stream before compression, in lower-case hexadecimal
	File
}

// all returns every file but the manifest itself.
func (m Manifest) all() []File {
	files := make([]File, 0, len(m.Programs)+len(m.Packages)+len(m.Files))
	for _, p := range m.Programs {
		files = append(files, p.File)
	}
	for _, p := range m.Packages {
		files = append(files, p.File)
	}
	return append(files, m.Files...)
}

// sorted returns every file but the manifest itself, in order of path.
func (m Manifest) sorted() []File {
	return slices.SortedFunc(slices.Values(m.all()), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
}

// size is that of all files, in bytes.
func (m Manifest) size() int64 {
	var size int64
	for _, f := range m.all() {
		size += f.Size
	}
	return size
}

// mode is the permission of a file of an engine: those in bin are run.
func (f File) mode() fs.FileMode {
	if strings.HasPrefix(f.Path, binDir+"/") {
		return 0o755
	}
	return 0o644
}

// check says whether a manifest is one that an engine for this machine could have.
func (m Manifest) check() error {
	if m.OS != runtime.GOOS || m.Arch != runtime.GOARCH {
		return fmt.Errorf("it is for %s/%s: want one for %s/%s", m.OS, m.Arch, runtime.GOOS, runtime.GOARCH)
	}
	if m.Hash != hashWith(m.Inputs, m.Go) {
		return fmt.Errorf("its hash %q is not that of its inputs", m.Hash)
	}
	seen := map[string]bool{}
	for _, f := range m.all() {
		switch {
		case !fs.ValidPath(f.Path) || path.Clean(f.Path) != f.Path || filepath.ToSlash(f.Path) != f.Path,
			!strings.HasPrefix(f.Path, binDir+"/") && !strings.HasPrefix(f.Path, shareDir+"/"):
			return fmt.Errorf("it names the file %q: want one below %s or %s", f.Path, binDir, shareDir)
		case seen[f.Path]:
			return fmt.Errorf("it names the file %q twice", f.Path)
		case f.Size < 0:
			return fmt.Errorf("it gives the file %q the size %d", f.Path, f.Size)
		}
		seen[f.Path] = true
	}
	return nil
}

// openEngine returns the engine in a folder if it is complete. That each file is there with its size is enough to see:
// a folder gets its name once its files are written, and reading a gigabyte at each install takes longer than the rest.
func openEngine(dir string) (*Engine, error) {
	data, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return nil, fmt.Errorf("reading the engine's manifest: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(dir, manifestName), err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Join(dir, manifestName), err)
	}
	for _, f := range m.all() {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("opening the engine in %s: %s is missing", dir, f.Path)
		case err != nil:
			return nil, fmt.Errorf("opening the engine in %s: %w", dir, err)
		case !info.Mode().IsRegular() || info.Size() != f.Size:
			return nil, fmt.Errorf("opening the engine in %s: %s has %d bytes: want %d", dir, f.Path, info.Size(), f.Size)
		}
	}
	return &Engine{Dir: dir, Manifest: m}, nil
}

// encode returns a manifest's JSON form, which is the same for the same engine.
func (m Manifest) encode() ([]byte, error) {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the engine's manifest: %w", err)
	}
	return append(data, '\n'), nil
}

// writeManifest puts a manifest into an engine's folder.
func writeManifest(dir string, m Manifest) error {
	data, err := m.encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, manifestName), data, 0o644); err != nil {
		return fmt.Errorf("writing the engine's manifest: %w", err)
	}
	return nil
}
