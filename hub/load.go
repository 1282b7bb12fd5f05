package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/gitops"
)

// DefaultName is the name of a hub that was given none.
const DefaultName = "hub"

// specFile is the copy of the hub's description in its state folder: what an install that was interrupted before its
// first commit was asked for.
const specFile = "hub.yaml"

// Request says which hub is wanted.
type Request struct {
	Name      string          // the hub's name; empty: the file's, or DefaultName
	Data      []byte          // a hub.yaml; nil: the hub as it is, or the defaults
	Source    string          // what to call Data in faults
	Overrides []spec.Override // laid over it
}

// load returns the description of the hub that is asked for, and what there was of it. Everything that is wrong with the
// request is returned at once, as a *RequestError.
func (h Home) load(r Request) (*spec.Hub, error) {
	data, source := r.Data, r.Source
	if data == nil {
		name := r.Name
		if name == "" {
			hubs, err := h.Hubs()
			if err != nil {
				return nil, err
			}
			name = DefaultName
			if len(hubs) == 1 {
				name = hubs[0]
			}
		}
		var err error
		if data, source, err = h.current(name); err != nil {
			return nil, err
		}
	}
	wanted, err := spec.Load(data, source, r.Overrides...)
	if err != nil {
		return nil, &RequestError{err}
	}
	wanted = spec.Resolve(wanted)
	if wanted.Spec.Provider != spec.ProviderEmbedded {
		return nil, &RequestError{fmt.Errorf("provider %s: this version of backstack installs hubs with provider %s only",
			wanted.Spec.Provider, spec.ProviderEmbedded)}
	}
	return wanted, checkVersions(wanted)
}

// checkVersions refuses versions that an embedded hub does not run: its programs are those that backstack pins.
func checkVersions(wanted *spec.Hub) error {
	var faults []error
	for _, name := range spec.Components() {
		if version := wanted.Spec.Components[name].Version; version != spec.PinnedVersion(name) {
			faults = append(faults, fmt.Errorf("spec.components.%s.version is %s: an embedded hub runs %s, the version that "+
				"this backstack is built with: leave it out", name, version, spec.PinnedVersion(name)))
		}
	}
	if len(faults) > 0 {
		return &RequestError{errors.Join(faults...)}
	}
	return nil
}

// current returns the description of the hub called name: the one in hub.git, else that of an install which did not come
// so far, else the defaults.
func (h Home) current(name string) (data []byte, source string, err error) {
	dir := h.Dir(name)
	data, err = gitops.ReadLocal(embedded.Layout{Root: dir}.LocalRepository("hub"), "hub.yaml")
	if err != nil || data != nil {
		return data, "hub.yaml of " + name + "'s hub.git", err
	}
	path := filepath.Join(dir, specFile)
	data, err = os.ReadFile(path)
	if err == nil {
		return data, path, nil
	}
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrInvalid) {
		return nil, "", fmt.Errorf("reading the hub's description: %w", err)
	}
	data, err = spec.Marshal(spec.Default(name))
	return data, "the defaults", err
}
