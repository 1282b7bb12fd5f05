package kind

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/back-stack/backstack/internal/atomicfile"
)

// record says that a cluster is the hub's, and how far making it has come. It is written before anything is made, so
// that what an interrupted install leaves behind is known.
type record struct {
	Engine  string `json:"engine"`            // the program of the container engine
	Network string `json:"network,omitempty"` // the network that hubs alone need; empty: it was there before them
	Node    string `json:"node,omitempty"`    // the ID of the node's container; empty: the cluster is not finished
	Version string `json:"version,omitempty"` // of Kubernetes, without v
	Made    made   `json:"made"`
}

// made is what a cluster was made with and cannot be changed.
type made struct {
	Image        string        `json:"image"`
	Ports        Ports         `json:"ports"`
	PortMappings []PortMapping `json:"portMappings,omitempty"`
	Mounts       []Mount       `json:"mounts,omitempty"`
	Config       string        `json:"config,omitempty"`
}

// finished says whether the cluster was made to its end.
func (r *record) finished() bool { return r != nil && r.Node != "" }

// engine is the container engine that the cluster was made with, whatever else there is now.
func (r *record) engine() engine { return engine{program: r.Engine} }

const recordFile = "kind.json"

func (c *Cluster) recordPath() string { return c.path(recordFile) }

// Made says whether a cluster was made for the hub whose folder is dir, or begun to be.
func Made(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, recordFile))
	return err == nil
}

// readRecord returns nil if there is no record: nothing was made.
func (c *Cluster) readRecord() (*record, error) {
	r, err := readRecord(c.recordPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record of kind cluster %s: %w; if the cluster is this hub's, delete it with "+
			"`kind delete cluster --name %s` and then remove %s", c.options.Name, err, c.options.Name, c.recordPath())
	}
	return r, nil
}

func readRecord(path string) (*record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &record{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	if !slices.Contains(programs(), r.Engine) {
		return nil, fmt.Errorf("the container engine %q is unknown", r.Engine)
	}
	return r, nil
}

// madeByHubs says whether a network is there because this hub, or another of this user's, needed it. The hub that is removed
// last takes it along.
func (c *Cluster) madeByHubs(network string) bool {
	hubs := filepath.Dir(c.options.Dir)
	entries, _ := os.ReadDir(hubs) // what cannot be read is said where it is needed
	return slices.ContainsFunc(entries, func(entry os.DirEntry) bool {
		r, err := readRecord(filepath.Join(hubs, entry.Name(), recordFile))
		return err == nil && r.Network == network
	})
}

func (c *Cluster) writeRecord(r *record) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the record of kind cluster %s: %w", c.options.Name, err)
	}
	return atomicfile.Write(c.recordPath(), append(data, '\n'), 0o600)
}

func (c *Cluster) removeRecord() error {
	if err := removeFile(c.recordPath()); err != nil {
		return fmt.Errorf("removing the record of kind cluster %s: %w", c.options.Name, err)
	}
	return nil
}

// standing is what there is of the hub's cluster.
type standing int

const (
	absent  standing = iota // nothing
	foreign                 // a container that has the node's name and that backstack did not make
	broken                  // what an interrupted creation left, or a node that can never run again
	stopped                 // a node that can be started
	paused                  // a node that can go on
	running                 // a node that runs
)

// judge says what there is. A finished cluster's node is known by its container's ID. That of an unfinished one is not
// known yet, so there the API server's port tells: it was chosen at random or by this hub's owner.
func judge(r *record, node *container) standing {
	switch {
	case node == nil:
		return absent
	case r == nil,
		r.finished() && node.ID != r.Node,
		!r.finished() && node.apiPort() != 0 && node.apiPort() != r.Made.Ports.Kubernetes:
		return foreign
	case !r.finished():
		return broken
	}
	switch node.State.Status {
	case "running":
		return running
	case "paused":
		return paused
	case "dead", "removing":
		return broken
	}
	return stopped
}

// changes returns a fault for everything that is asked for now and differs from what the cluster was made with: a kind
// cluster cannot be changed in these. What is not asked for does not differ.
func (m made) changes(asked Options) []error {
	var faults []error
	add := func(what string, was, is any) {
		faults = append(faults, fmt.Errorf("%s: a kind cluster cannot be changed in this, and it was made with %v: want "+
			"that, or uninstall the hub and install it with %v", what, was, is))
	}
	if asked.Image != "" && asked.Image != m.Image {
		add("the node's image, spec.kind.image", m.Image, asked.Image)
	}
	for _, name := range portNames() {
		if was, is := m.Ports.byName()[name], asked.Ports.byName()[name]; is != 0 && is != was {
			add("the port spec.kind.ports."+name, was, is)
		}
	}
	if !slices.Equal(explicit(m.PortMappings), explicit(asked.PortMappings)) {
		add("spec.kind.portMappings", describeAll(m.PortMappings), describeAll(asked.PortMappings))
	}
	if !slices.Equal(m.Mounts, asked.Mounts) {
		add("spec.kind.mounts", describeAll(m.Mounts), describeAll(asked.Mounts))
	}
	if m.Config != string(asked.Config) {
		faults = append(faults, errors.New("spec.kind.config: a kind cluster cannot be changed in this: want what it was "+
			"made with, or uninstall the hub and install it again"))
	}
	return faults
}

// describeAll lists mounts or port mappings for a person.
func describeAll[T fmt.Stringer](list []T) string {
	if len(list) == 0 {
		return "none"
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = item.String()
	}
	return strings.Join(texts, ", ")
}
