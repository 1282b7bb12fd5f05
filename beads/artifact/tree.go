package artifact

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
)

// limits is what may be read at most.
type limits struct {
	files               int   // and as many folders
	file, total, stream int64 // bytes of one file, of all files, and of the archive that they are in
}

// beadLimits are those of a Bead.
func beadLimits() limits {
	return limits{files: MaxFiles, file: MaxFile, total: MaxTotal, stream: MaxLayer}
}

// tree collects files, and refuses what does not belong in a plain tree of small files.
type tree struct {
	max     limits
	files   map[string][]byte
	folders map[string]bool
	entered int // folders that are there by themselves
	total   int64
}

func newTree(max limits) *tree {
	return &tree{max: max, files: make(map[string][]byte), folders: make(map[string]bool)}
}

// errTooMuch is wrapped by the faults after which the rest of a source need not be looked at.
var errTooMuch = errors.New("a Bead holds descriptions, not programs")

// add takes in a file of the given size.
func (t *tree) add(name string, size int64, content io.Reader) error {
	if err := t.enter(name); err != nil {
		return err
	}
	if _, twice := t.files[name]; twice {
		return errors.New("is there twice: want one file of a name")
	}
	if t.folders[name] {
		return errors.New("is a file and a folder: want one of them")
	}
	if len(t.files) == t.max.files {
		return fmt.Errorf("is one file too many, want at most %d: %w", t.max.files, errTooMuch)
	}
	if size > t.max.file {
		return fmt.Errorf("has %d bytes: want at most %d", size, t.max.file)
	}
	if t.total += size; t.total > t.max.total {
		return fmt.Errorf("brings the files to more than %d bytes: %w", t.max.total, errTooMuch)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(content, data); err != nil {
		return err
	}
	t.files[name] = data
	return nil
}

// addFolder takes in a folder, which is nothing by itself.
func (t *tree) addFolder(name string) error {
	if err := t.enter(name); err != nil {
		return err
	}
	if t.entered++; t.entered > t.max.files {
		return fmt.Errorf("is one folder too many, want at most %d: %w", t.max.files, errTooMuch)
	}
	if _, file := t.files[name]; file {
		return errors.New("is a file and a folder: want one of them")
	}
	t.folders[name] = true
	return nil
}

// enter judges what files and folders have in common.
func (t *tree) enter(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if _, file := t.files[folder]; file {
			return fmt.Errorf("lies below %s, which is a file: want a folder", folder)
		}
		t.folders[folder] = true
	}
	return nil
}

// check judges files as they would be judged if they were read from an archive.
func check(files map[string][]byte) error {
	t := newTree(beadLimits())
	var faults []error
	for _, name := range sorted(files) {
		err := t.add(name, int64(len(files[name])), bytes.NewReader(files[name]))
		if err != nil {
			faults = append(faults, fmt.Errorf("%q %w", name, err))
		}
		if errors.Is(err, errTooMuch) {
			break
		}
	}
	if len(t.files) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("there are no files: want those of a Bead"))
	}
	return errors.Join(faults...)
}

func sorted(files map[string][]byte) []string { return slices.Sorted(maps.Keys(files)) }
