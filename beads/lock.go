package beads

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// folder is where Beads are in hub.git; lockName is the file that says where one comes from.
const (
	folder   = "beads"
	lockName = "bead.lock.yaml"
)

// Lock says where a Bead on a hub comes from, and what it was made with: enough to make the same files again.
type Lock struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"` // BeadLock
	Metadata   LockName `json:"metadata"`
	Spec       LockSpec `json:"spec"`
}

// LockName says which Bead it is.
type LockName struct {
	Name string `json:"name"`
}

// LockSpec is what a Lock keeps.
type LockSpec struct {
	Version string `json:"version"`
	Source  string `json:"source"` // names exactly these files, as package source writes it
	Origin  string `json:"origin"` // where newer versions are looked for
	Digest  string `json:"digest"` // of the Bead's files
	// Requested says whether someone asked for it, and not only for a Bead that requires it.
	Requested bool `json:"requested"`
	// Values are the parameters that were given; the others have the Bead's defaults.
	Values map[string]any `json:"values,omitempty"`
	// Requires are the versions of the Beads that it required when it was added.
	Requires map[string]string `json:"requires,omitempty"`
}

const lockKind = "BeadLock"

// Installed is a Bead that is on a hub.
type Installed struct {
	Name  string
	Lock  *Lock      // nil if somebody put the folder there by hand
	Files bead.Files // those of its folder
}

// Version is the Bead's version; empty if nobody knows.
func (i Installed) Version() string {
	if i.Lock == nil {
		return ""
	}
	return i.Lock.Spec.Version
}

// installed returns the Beads in the files of hub.git, by name, sorted.
func installed(files map[string][]byte) ([]Installed, error) {
	byName := make(map[string]*Installed)
	for name, content := range files {
		rest, ok := strings.CutPrefix(name, folder+"/")
		dir, file, nested := strings.Cut(rest, "/")
		if !ok || !nested {
			continue
		}
		if byName[dir] == nil {
			byName[dir] = &Installed{Name: dir, Files: bead.Files{}}
		}
		byName[dir].Files[file] = content
	}
	all := make([]Installed, 0, len(byName))
	for name, found := range byName {
		if content, ok := found.Files[lockName]; ok {
			found.Lock = new(Lock)
			if _, err := strictyaml.Decode(content, path.Join(folder, name, lockName), found.Lock); err != nil {
				return nil, fmt.Errorf("reading the lock of Bead %s in hub.git: %w", name, err)
			}
		}
		all = append(all, *found)
	}
	slices.SortFunc(all, func(a, b Installed) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// find returns the Bead called name among those installed.
func find(all []Installed, name string) (Installed, bool) {
	at := slices.IndexFunc(all, func(i Installed) bool { return i.Name == name })
	if at < 0 {
		return Installed{}, false
	}
	return all[at], true
}
