package render

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// Tree is the files of a repository: slash-separated paths from its root, and contents.
type Tree map[string][]byte

// All returns the files in the order of their paths.
func (t Tree) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, path := range slices.Sorted(maps.Keys(t)) {
			if !yield(path, t[path]) {
				return
			}
		}
	}
}

// Sub returns the files below a folder, with paths from there.
func (t Tree) Sub(dir string) Tree {
	sub := make(Tree)
	for path, content := range t {
		if rest, ok := strings.CutPrefix(path, dir+"/"); ok {
			sub[rest] = content
		}
	}
	return sub
}
