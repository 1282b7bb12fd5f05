package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"
)

// maxFaults is how many faults of a folder are named; one that has more is no Bead's.
const maxFaults = 20

// FS returns files as a read-only file system.
func FS(files map[string][]byte) fs.FS {
	system := make(fstest.MapFS, len(files))
	for name, content := range files {
		system[name] = &fstest.MapFile{Data: content, Mode: 0o644}
	}
	return system
}

// ReadFS returns the files of a Bead's folder, with the limits of Unpack and nothing followed. Left out is what is not
// the Bead's: .git anywhere, and at the root whatever begins with a dot. The error names every file that is wrong.
func ReadFS(folder fs.FS) (map[string][]byte, error) {
	t := newTree(beadLimits())
	var faults []error
	err := fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case isGit(entry.Name()), !strings.Contains(name, "/") && strings.HasPrefix(name, "."):
			return skip(entry)
		}
		err = t.addFrom(folder, name, entry)
		if err == nil {
			return nil
		}
		faults = append(faults, fmt.Errorf("%s %w", printable(name), err))
		if errors.Is(err, errTooMuch) || len(faults) == maxFaults {
			return fs.SkipAll
		}
		return skip(entry)
	})
	return t.files, errors.Join(append(faults, err)...)
}

// skip leaves out an entry, with all that is in it.
func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// addFrom takes in an entry of a folder.
func (t *tree) addFrom(folder fs.FS, name string, entry fs.DirEntry) error {
	switch {
	case entry.IsDir():
		return t.addFolder(name)
	case entry.Type()&fs.ModeSymlink != 0:
		return errors.New("is a symbolic link: want the file itself, links are not followed")
	case !entry.Type().IsRegular():
		return errors.New("is no regular file: want regular files and folders alone")
	}
	file, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return t.add(name, info.Size(), file)
}

// printable quotes a name only where it has to be.
func printable(name string) string {
	if checkName(name) != nil {
		return fmt.Sprintf("%q", name)
	}
	return name
}
