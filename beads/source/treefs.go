package source

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// treeFS is a folder of a commit as a read-only file system. A submodule is an irregular file in it.
type treeFS struct {
	root    *object.Tree
	objects storer.EncodedObjectStorer
}

// Open opens a file; folders are read with ReadDir.
func (t treeFS) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	entry, err := t.root.FindEntry(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	blob, err := object.GetBlob(t.objects, entry.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	content, err := blob.Reader()
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file{ReadCloser: content, info: info{name: path.Base(name), mode: modeOf(entry.Mode), size: blob.Size}}, nil
}

// Stat says what is at a path, without the size of a file.
func (t treeFS) Stat(name string) (fs.FileInfo, error) {
	if name == "." {
		return info{name: name, mode: fs.ModeDir}, nil
	}
	entry, err := t.root.FindEntry(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info{name: path.Base(name), mode: modeOf(entry.Mode)}, nil
}

// ReadDir returns what is in a folder, in Git's order.
func (t treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	tree := t.root
	if name != "." {
		var err error
		if tree, err = t.root.Tree(name); err != nil {
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
		}
	}
	entries := make([]fs.DirEntry, len(tree.Entries))
	for i, entry := range tree.Entries {
		if !fs.ValidPath(entry.Name) || entry.Name == "." || strings.Contains(entry.Name, "/") {
			// Git makes no such entry, but somebody can, to lead whoever walks the tree in circles.
			return nil, &fs.PathError{Op: "readdir", Path: name, Err: fmt.Errorf("it has an entry %q: want names", entry.Name)}
		}
		entries[i] = fs.FileInfoToDirEntry(info{name: entry.Name, mode: modeOf(entry.Mode)})
	}
	return entries, nil
}

func modeOf(mode filemode.FileMode) fs.FileMode {
	switch mode {
	case filemode.Dir:
		return fs.ModeDir
	case filemode.Symlink:
		return fs.ModeSymlink
	case filemode.Regular, filemode.Executable, filemode.Deprecated:
		return 0
	}
	return fs.ModeIrregular
}

// file is an open file of a commit.
type file struct {
	io.ReadCloser
	info info
}

// Stat returns the file's size and mode.
func (f file) Stat() (fs.FileInfo, error) { return f.info, nil }

// info describes an entry of a commit.
type info struct {
	name string
	mode fs.FileMode
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) Size() int64        { return i.size }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) Sys() any           { return nil }
