package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// DefaultName is the name of a hub that was given none.
const DefaultName = "hub"

// specFile is the hub's description in its state folder: what its last install was asked for, with the ports that it chose.
const specFile = "hub.yaml"

// committedSuffix ends what a hub.yaml is called that comes from a hub's hub.git.
const committedSuffix = "'s hub.git"

// Request says which hub is wanted.
type Request struct {
	Name      string          // the hub's name; empty: the file's, or DefaultName
	Data      []byte          // a hub.yaml; nil: the hub as it is, or the defaults
	Source    string          // what to call Data in faults
	Overrides []spec.Override // laid over it
}

// Check returns what is wrong with the file and the overrides, for a request with which something else is wrong already. Without
// a file, the overrides are laid over the defaults.
func (r Request) Check() error {
	data, source, err := r.Data, r.Source, error(nil)
	if data == nil {
		source = "the defaults"
		if data, err = strictyaml.Encode(spec.Default(DefaultName)); err != nil {
			return err
		}
	}
	_, err = spec.Load(data, source, r.Overrides...)
	return err
}

// load returns the description of the hub that is asked for, and what there was of it. Everything that is wrong with the
// request is returned at once, as a *RequestError.
//
// It also returns the hub.yaml of hub.git if that is what the description comes from, else nil. With an error, the description
// is nil unless it could be read.
func (h Home) load(ctx context.Context, r Request) (wanted *spec.Hub, committed []byte, err error) {
	data, source := r.Data, r.Source
	if data == nil {
		name := r.Name
		if name == "" {
			hubs, err := h.Hubs()
			if err != nil {
				return nil, nil, err
			}
			name = DefaultName
			if len(hubs) > 0 {
				if name, err = h.Pick(""); err != nil {
					return nil, nil, err
				}
			}
		}
		if data, source, err = h.currentIn(ctx, name); err != nil {
			return nil, nil, err
		}
		if strings.HasSuffix(source, committedSuffix) {
			committed = data
			if err := checkName(data, source, name); err != nil {
				return nil, nil, err
			}
		}
	}
	if wanted, err = spec.Load(data, source, r.Overrides...); err != nil {
		return nil, nil, &RequestError{err}
	}
	wanted = spec.Resolve(wanted)
	if wanted.Spec.Provider.Pods() {
		return wanted, committed, nil
	}
	return wanted, committed, checkEmbedded(wanted)
}

// checkName refuses a hub.yaml in hub.git that has come to speak of another hub: its processes and files would be taken for
// those of the hub called name.
func checkName(data []byte, source, name string) error {
	committed, err := spec.Load(data, source)
	if err != nil || committed.Metadata.Name == name {
		return nil // what else is wrong with it is said by whoever reads it next
	}
	return &RequestError{fmt.Errorf("%s: metadata.name is %s: a hub keeps its name: want %s", source, committed.Metadata.Name, name)}
}

// checkProvider refuses to install a hub elsewhere than where it is: what there is of it would be nobody's.
func (h Home) checkProvider(wanted *spec.Hub) error {
	name := wanted.Metadata.Name
	if !h.exists(name) {
		return nil
	}
	installed, err := h.describedOrFound(name)
	if err != nil || installed.Spec.Provider == wanted.Spec.Provider {
		return nil // what cannot be read is written anew
	}
	return &RequestError{fmt.Errorf("spec.provider is %s: hub %s is installed with provider %s, which a hub keeps: want that, another "+
		"name, or `backstack uninstall --hub %s` first", wanted.Spec.Provider, name, installed.Spec.Provider, name)}
}

// checkEmbedded refuses what an embedded hub does not do: run other programs than those that backstack pins, and keep its
// repositories elsewhere.
func checkEmbedded(wanted *spec.Hub) error {
	var faults []error
	if wanted.Spec.Repositories != nil {
		faults = append(faults, errors.New("spec.repositories: an embedded hub keeps its repositories on its own Gitea: leave it out"))
	}
	if !*wanted.Spec.Components[spec.Gitea].Enabled {
		faults = append(faults, errors.New("spec.components.gitea.enabled is false: an embedded hub keeps its repositories on its "+
			"own Gitea: leave it out"))
	}
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

// currentIn is current, for a hub whose components run as pods by asking its repository too, where that can be reached.
func (h Home) currentIn(ctx context.Context, name string) (data []byte, source string, err error) {
	data, source, err = h.current(name)
	if err != nil || !h.exists(name) {
		return data, source, err
	}
	described, err := spec.Load(data, source)
	if err != nil {
		return data, source, nil // what is wrong with it is said by whoever reads it next
	}
	if described = spec.Resolve(described); !described.Spec.Provider.Pods() {
		return data, source, nil
	}
	committed, err := h.committed(ctx, described)
	if err != nil || committed == nil {
		return data, source, nil // the cluster is stopped, or not there yet: the copy is what there is
	}
	return committed, "hub.yaml of " + name + committedSuffix, nil
}

// committedTimeout bounds how long a repository may take to say what its hub.yaml is.
const committedTimeout = 10 * time.Second

// committed returns the hub.yaml of the hub.git of a hub whose components run as pods, nil if there is none.
func (h Home) committed(ctx context.Context, described *spec.Hub) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, committedTimeout)
	defer cancel()
	place, err := h.newPlace(described, placeOptions{})
	if err != nil {
		return nil, err
	}
	client, err := kube.New(place.Kubeconfig())
	if err != nil {
		return nil, err
	}
	git, err := h.openGit(ctx, place, client, described)
	if err != nil {
		return nil, err
	}
	checkout, err := repository(git, git.Hub).Checkout(ctx)
	if err != nil {
		return nil, err
	}
	return checkout.Files["hub.yaml"], nil
}

// current returns the description of the hub called name: the one in hub.git, else what is installed.
func (h Home) current(name string) (data []byte, source string, err error) {
	data, err = gitops.ReadLocal(embedded.Layout{Root: h.Dir(name)}.LocalRepository("hub"), "hub.yaml")
	if err != nil || data != nil {
		return data, "hub.yaml of " + name + committedSuffix, err
	}
	return h.installed(name)
}

// installed returns the description that the last install of the hub called name was for, else the defaults.
func (h Home) installed(name string) (data []byte, source string, err error) {
	path := filepath.Join(h.Dir(name), specFile)
	data, err = os.ReadFile(path)
	if err == nil {
		return data, path, nil
	}
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, os.ErrInvalid) {
		return nil, "", fmt.Errorf("reading the hub's description: %w", err)
	}
	data, err = strictyaml.Encode(spec.Default(name))
	return data, "the defaults", err
}
