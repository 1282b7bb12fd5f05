package beads

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// candidate is a Bead that is to be on a hub, or to be there in another version.
type candidate struct {
	*bead.Folder
	source    string
	origin    string
	digest    string
	requested bool           // by a person
	given     map[string]any // parameters
}

// resolution finds out what has to be added so that all requirements are met.
type resolution struct {
	hub     *Hub
	present []Installed
	chosen  map[string]*candidate
	faults  []error
	order   []*candidate // what is required comes before what requires it
	path    []string     // those that are being looked at, for naming a cycle
}

// resolve returns the candidate and the Beads of the library that have to come along, required ones first. The error
// names every requirement that is not met.
func (h *Hub) resolve(ctx context.Context, wanted *candidate, present []Installed) ([]*candidate, error) {
	r := &resolution{hub: h, present: present, chosen: map[string]*candidate{wanted.Metadata.Name: wanted}}
	r.visit(ctx, wanted)
	r.dependants(wanted)
	return r.order, errors.Join(r.faults...)
}

func (r *resolution) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

func (r *resolution) visit(ctx context.Context, c *candidate) {
	name := c.Metadata.Name
	if slices.Contains(r.path, name) {
		r.fault("beads require each other: %s: want one of them to do without", strings.Join(append(r.path, name), " requires "))
		return
	}
	if slices.Contains(r.order, c) {
		return
	}
	r.path = append(r.path, name)
	defer func() { r.path = r.path[:len(r.path)-1] }()
	r.versions(c)
	for _, required := range slices.Sorted(maps.Keys(c.Spec.Requires.Beads)) {
		r.bead(ctx, c, required, c.Spec.Requires.Beads[required])
	}
	r.order = append(r.order, c)
}

// versions checks what a Bead requires of backstack and of the components.
func (r *resolution) versions(c *candidate) {
	requires := c.Spec.Requires
	if !satisfies(r.hub.Version, requires.Backstack) {
		r.fault("bead %s requires backstack %s: this is %s", c.Metadata.Name, requires.Backstack, r.hub.Version)
	}
	for _, name := range slices.Sorted(maps.Keys(requires.Components)) {
		version := charts.Kubernetes
		if name != "kubernetes" {
			component := r.hub.Spec.Spec.Components[name]
			if component.Enabled == nil || !*component.Enabled {
				r.fault("bead %s requires %s, which hub %s does not have: want spec.components.%s.enabled: true in hub.yaml",
					c.Metadata.Name, name, r.hub.Name, name)
				continue
			}
			version = string(component.Version)
		}
		if !satisfies(version, requires.Components[name]) {
			r.fault("bead %s requires %s %s: hub %s has %s", c.Metadata.Name, name, requires.Components[name], r.hub.Name, version)
		}
	}
	for part, component := range map[bead.Part]string{bead.PartComposites: spec.Crossplane, bead.PartPolicies: spec.Kyverno} {
		if on := r.hub.Spec.Spec.Components[component].Enabled; slices.Contains(c.Parts(), part) && (on == nil || !*on) {
			r.fault("bead %s has %s, and hub %s has no %s: want spec.components.%s.enabled: true in hub.yaml",
				c.Metadata.Name, part, r.hub.Name, component, component)
		}
	}
}

// bead sees to it that a Bead which c requires is there, or comes along from the library.
func (r *resolution) bead(ctx context.Context, c *candidate, name, versions string) {
	if chosen, ok := r.chosen[name]; ok {
		if !satisfies(chosen.Spec.Version, versions) {
			r.fault("bead %s requires Bead %s %s: it would be %s", c.Metadata.Name, name, versions, chosen.Spec.Version)
		}
		r.visit(ctx, chosen)
		return
	}
	if there, ok := find(r.present, name); ok {
		if !satisfies(there.Version(), versions) {
			r.fault("bead %s requires Bead %s %s, and %s is installed: `backstack bead upgrade %s` first",
				c.Metadata.Name, name, versions, cmpOr(there.Version(), "an unknown version"), name)
		}
		return
	}
	if _, err := fs.Stat(r.hub.Library, name+"/"+bead.FileName); err != nil {
		r.fault("bead %s requires Bead %s %s, which is neither on the hub nor in the library: `backstack bead add` it first",
			c.Metadata.Name, name, versions)
		return
	}
	found, err := r.hub.fetch(ctx, name)
	if err != nil {
		r.faults = append(r.faults, err)
		return
	}
	if !satisfies(found.Spec.Version, versions) {
		r.fault("bead %s requires Bead %s %s, and the library has %s: `backstack bead add` a fitting one first",
			c.Metadata.Name, name, versions, found.Spec.Version)
	}
	r.chosen[name] = found
	r.visit(ctx, found)
}

// dependants checks that those who require the wanted Bead already can live with its version.
func (r *resolution) dependants(wanted *candidate) {
	for _, other := range r.present {
		range_, requires := requirement(other, wanted.Metadata.Name)
		if requires && other.Name != wanted.Metadata.Name && !satisfies(wanted.Spec.Version, range_) {
			r.fault("bead %s, which is installed, requires Bead %s %s: this is %s", other.Name, wanted.Metadata.Name, range_,
				wanted.Spec.Version)
		}
	}
}

// requirement returns the range of versions of the Bead called name that an installed one requires.
func requirement(of Installed, name string) (versions string, requires bool) {
	var described bead.Bead
	if _, err := strictyaml.Decode(of.Files[bead.FileName], bead.FileName, &described); err != nil {
		return "", false // a folder that somebody put there by hand need not be a Bead
	}
	versions, requires = described.Spec.Requires.Beads[name]
	return versions, requires
}

// satisfies says whether a version is in a range. Versions of builds that were not released satisfy every range.
func satisfies(version, versions string) bool {
	if versions == "" {
		return true
	}
	parsed, err := semver.NewVersion(version)
	if err != nil {
		return false
	}
	if released := parsed.Major()+parsed.Minor()+parsed.Patch() > 0; !released {
		return true
	}
	constraint, err := semver.NewConstraint(versions)
	return err == nil && constraint.Check(parsed)
}
