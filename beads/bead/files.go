package bead

import (
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// Files are the files of a Bead: slash-separated paths from its folder, and contents.
type Files map[string][]byte

// What a Bead's folder may hold at most. A Bead is text that people read.
const (
	MaxFiles    = 2000
	MaxFileSize = 1 << 20 // bytes
	MaxSize     = 16 << 20
)

// ReadFiles returns the regular files of a folder. The folder .git and files that begin with a dot at its root are left
// out.
func ReadFiles(folder fs.FS) (Files, error) {
	files := make(Files)
	size := int64(0)
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && !strings.Contains(name, "/") && strings.HasPrefix(name, "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is no regular file: a Bead holds files and folders, and no links", name)
		case len(files) == MaxFiles:
			return fmt.Errorf("there are more than %d files: a Bead holds descriptions, not programs", MaxFiles)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > MaxFileSize {
			return fmt.Errorf("%s has %d bytes: want at most %d", name, info.Size(), MaxFileSize)
		}
		if size += info.Size(); size > MaxSize {
			return fmt.Errorf("the files have more than %d bytes together: a Bead holds descriptions, not programs", MaxSize)
		}
		files[name], err = fs.ReadFile(folder, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the Bead's folder: %w", err)
	}
	return files, nil
}

// All returns the files in the order of their paths.
func (f Files) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, name := range slices.Sorted(maps.Keys(f)) {
			if !yield(name, f[name]) {
				return
			}
		}
	}
}

// Sub returns the files below a folder, with paths from there.
func (f Files) Sub(dir string) Files {
	sub := make(Files)
	for name, content := range f {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			sub[rest] = content
		}
	}
	return sub
}

// isManifest says whether a file of a part holds objects.
func isManifest(name string) bool {
	extension := path.Ext(name)
	return extension == ".yaml" || extension == ".yml"
}
