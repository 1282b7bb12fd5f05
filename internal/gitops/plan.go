package gitops

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5"
)

// recordPath is the file in which backstack keeps what it rendered last: it tells a file that a person changed from one
// that only an older backstack wrote.
const recordPath = ".backstack/rendered.json"

// readme is the name of files that only people read, and that hosts make in a new repository: one that a person wrote stays.
const readme = "README.md"

// record is the content of recordPath.
type record struct {
	Files map[string]string `json:"files"` // the SHA-256 of each file as it was rendered
}

// ConflictError says that files were changed both by someone and by what backstack renders now.
type ConflictError struct {
	Files []string
}

// Error names the files and what to do about them.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s: changed in Git and by hub.yaml or backstack's version as well: take the change in Git back, "+
		"or say it in hub.yaml (spec.components.NAME.values)", strings.Join(e.Files, ", "))
}

// StaleError says that files have changed since what is to be written was rendered from them.
type StaleError struct {
	Files []string
}

// Error names the files and what to do about them.
func (e *StaleError) Error() string {
	return fmt.Sprintf("%s: changed in Git since it was read: do the same again, which takes it as it is now",
		strings.Join(e.Files, ", "))
}

// Sources are files that a tree was rendered from, by their names in the repository.
type Sources struct {
	Read  map[string][]byte // as they were read from it: what was rendered takes their place while they are as they were
	Given map[string][]byte // from elsewhere: what was rendered takes the place of one that is there with just that content
}

// changed says whether a file that holds have was read, and held something else.
func (s Sources) changed(name string, have []byte) bool {
	was, read := s.Read[name]
	return read && !bytes.Equal(was, have)
}

// are says whether a file that holds have is as it was when the tree was rendered from it.
func (s Sources) are(name string, have []byte) bool {
	for _, sources := range []map[string][]byte{s.Read, s.Given} {
		if source, ok := sources[name]; ok && have != nil && bytes.Equal(source, have) {
			return true
		}
	}
	return false
}

// plan is what a commit is to change.
type plan struct {
	write   map[string][]byte
	remove  []string
	changed []string // write and remove without the record, sorted
	kept    []string
}

// newPlan compares three states of each file: as rendered before, as it is, and as rendered now. read returns a file's
// content, nil if it is not there.
func newPlan(read func(name string) ([]byte, error), tree map[string][]byte, sources Sources) (*plan, error) {
	before := record{}
	data, err := read(recordPath)
	if err != nil {
		return nil, err
	}
	if data != nil {
		if err := json.Unmarshal(data, &before); err != nil {
			return nil, fmt.Errorf("reading %s: %w", recordPath, err)
		}
	}
	p := &plan{write: map[string][]byte{}}
	now := record{Files: map[string]string{}}
	var conflicts, stale []string
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		want := tree[name]
		now.Files[name] = sum(want)
		have, err := read(name)
		if err != nil {
			return nil, err
		}
		old, rendered := before.Files[name]
		writable := !rendered && have == nil || rendered && have != nil && sum(have) == old || sources.are(name, have)
		changed := sources.changed(name, have)
		switch {
		case have != nil && bytes.Equal(have, want):
		case writable && !changed:
			p.write[name] = want
		case rendered && old == sum(want):
			p.kept = append(p.kept, name) // changed or removed by a person, and nothing new to say
		case path.Base(name) == readme && have != nil:
			p.kept = append(p.kept, name)
		case changed:
			stale = append(stale, name)
		default:
			conflicts = append(conflicts, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before.Files)) {
		if _, still := tree[name]; still {
			continue
		}
		have, err := read(name)
		if err != nil {
			return nil, err
		}
		switch {
		case have == nil:
		case sum(have) == before.Files[name]:
			p.remove = append(p.remove, name)
		default:
			p.kept = append(p.kept, name)
		}
	}
	if len(stale) > 0 {
		return nil, &StaleError{Files: stale} // first: what was rendered from them may be what conflicts
	}
	if len(conflicts) > 0 {
		return nil, &ConflictError{Files: conflicts}
	}
	p.changed = append(slices.Collect(maps.Keys(p.write)), p.remove...)
	slices.Sort(p.changed)
	return p, p.addRecord(data, now)
}

// edit adds what other files than those of tree, and than those that tree had before, are to hold.
func (p *plan) edit(files billy.Filesystem, tree map[string][]byte, edit func(name string, content []byte) []byte) error {
	all, err := readAll(files)
	if err != nil {
		return err
	}
	for name, content := range all {
		_, rendered := tree[name]
		if rendered || name == recordPath || slices.Contains(p.remove, name) || slices.Contains(p.kept, name) {
			continue
		}
		if now := edit(name, content); !bytes.Equal(now, content) {
			p.write[name] = now
			p.changed = append(p.changed, name)
		}
	}
	slices.Sort(p.changed)
	return nil
}

// carryOut changes the files of a worktree.
func (p *plan) carryOut(worktree *git.Worktree) error {
	for name, data := range p.write {
		if err := worktree.Filesystem.MkdirAll(path.Dir(name), 0o755); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if err := util.WriteFile(worktree.Filesystem, name, data, 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		// It differs, as the plan says: go-git need not compare every file of the repository to find that out.
		if err := worktree.AddWithOptions(&git.AddOptions{Path: name, SkipStatus: true}); err != nil {
			return fmt.Errorf("adding %s: %w", name, err)
		}
	}
	for _, name := range p.remove {
		if _, err := worktree.Remove(name); err != nil {
			return fmt.Errorf("removing %s: %w", name, err)
		}
	}
	return nil
}

// addRecord adds the record to what is written, if it differs from data, what it was.
func (p *plan) addRecord(data []byte, now record) error {
	text, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", recordPath, err)
	}
	if text = append(text, '\n'); !bytes.Equal(text, data) {
		p.write[recordPath] = text
	}
	return nil
}

// readFrom returns a function that reads files from a folder.
func readFrom(files billy.Filesystem) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		data, err := util.ReadFile(files, name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, nil
		}
		if err == nil && data == nil {
			data = []byte{}
		}
		return data, err
	}
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}
