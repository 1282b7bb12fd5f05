package bead

import (
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
)

// Files are the files of a Bead: slash-separated paths from its folder, and contents.
type Files map[string][]byte

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
