package beads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/internal/report"
)

// Wanted is a Bead that someone asks for.
type Wanted struct {
	Source string         // a name in the library, a path, oci:// or git::
	Values map[string]any // parameters
	DryRun bool           // find out what would change, and change nothing
}

// Add puts a Bead on the hub, with those that it requires and that the library has, in one commit, and waits until they
// are healthy. Adding what is there already in the same version and with the same values changes nothing, so an add that
// was interrupted can be run again.
//
// The error is a *hub.RequestError if the Bead cannot be added to this hub: nothing was touched then. It is a
// *hub.UnhealthyError if the Bead was added and did not become healthy; the Change says what was done.
func (h *Hub) Add(ctx context.Context, wanted Wanted, to report.Reporter) (*Change, error) {
	step := report.Start(to, "fetch", wanted.Source)
	found, err := h.fetch(ctx, wanted.Source)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	step.Done(fmt.Sprintf("%s from %s", found, found.source))
	found.requested, found.given = true, wanted.Values
	return h.apply(ctx, found, nil, wanted.DryRun, to, func(present []Installed) error {
		return checkNew(found, present)
	})
}

// checkNew refuses to add what is there in another version: that is an upgrade, which says what it changes.
func checkNew(c *candidate, present []Installed) error {
	there, ok := find(present, c.Metadata.Name)
	switch {
	case !ok:
		return nil
	case there.Lock == nil:
		return &hub.RefusedError{Err: fmt.Errorf("beads/%s is in hub.git already, and not from `backstack bead add`: "+
			"want another name, or that folder gone", there.Name)}
	case there.Lock.Spec.Digest != c.digest:
		return &hub.RequestError{Err: fmt.Errorf("bead %s is installed already, version %s from %s: `backstack bead upgrade %s` "+
			"brings it to another", there.Name, there.Version(), there.Lock.Spec.Source, there.Name)}
	}
	return nil
}

// plan is what a change amounts to, worked out against one commit of hub.git.
type plan struct {
	from   *gitops.Checkout // that commit; used up by the commit on top of it
	change *Change
	put    map[string]bead.Files // by the Bead's name
	parts  map[string]*bead.Rendered
}

// apply brings the hub to the candidate: plans, commits, waits. hub.git is fetched unless a checkout of it is given.
func (h *Hub) apply(
	ctx context.Context, c *candidate, from *gitops.Checkout, dryRun bool, to report.Reporter, check func([]Installed) error,
) (*Change, error) {
	step := report.Start(to, "plan", "reading hub.git")
	tree, err := h.Tree()
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	if from == nil {
		if from, err = h.Repository.Checkout(ctx); err != nil {
			step.Fail(err)
			return nil, err
		}
	}
	p, err := h.plan(ctx, c, tree, from.Files, check)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	p.from = from
	if len(p.change.Files) == 0 {
		step.Unchanged("hub.git holds it already")
	} else {
		step.Done(fmt.Sprintf("%d files", len(p.change.Files)))
	}
	if dryRun {
		return p.change, nil
	}
	before, err := h.revisions(ctx, p.names())
	if err != nil {
		return nil, err
	}
	if err := h.commit(ctx, c, tree, p, to, check); err != nil || p.change.PullRequest != "" || h.NoWait {
		return p.change, err
	}
	return p.change, h.await(ctx, p.names(), p.change.Revision, before, to)
}

// names are those of the Beads that change.
func (p *plan) names() []string { return slices.Sorted(maps.Keys(p.put)) }

// plan works out what the hub's files become, and refuses what cannot be.
func (h *Hub) plan(
	ctx context.Context, c *candidate, tree render.Tree, files map[string][]byte, check func([]Installed) error,
) (*plan, error) {
	present, err := installed(files)
	if err != nil {
		return nil, err
	}
	if err := check(present); err != nil {
		return nil, err
	}
	all, err := h.resolve(ctx, c, present)
	if err != nil {
		return nil, &hub.RequestError{Err: err}
	}
	p := &plan{
		change: &Change{
			Bead: c.Metadata.Name, Version: c.Spec.Version, Source: c.source, Digest: c.digest, Files: []File{}, Objects: []string{},
		},
		put: map[string]bead.Files{}, parts: map[string]*bead.Rendered{},
	}
	if there, ok := find(present, c.Metadata.Name); ok {
		p.change.From = there.Version()
	}
	replaced := func(name string) bool {
		return slices.ContainsFunc(all, func(c *candidate) bool { return c.Metadata.Name == name })
	}
	owned, err := newOwners(tree, present, replaced)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, each := range all {
		if err := h.include(ctx, p, each, all, present, owned); err != nil {
			faults = append(faults, err)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &hub.RequestError{Err: err}
	}
	after := maps.Clone(files)
	for name, content := range p.put {
		put(after, name, content)
	}
	p.change.Files = compare(files, after)
	return p, nil
}

// include adds one Bead to a plan.
func (h *Hub) include(
	ctx context.Context, p *plan, c *candidate, all []*candidate, present []Installed, owned owners,
) error {
	name := c.Metadata.Name
	values, err := c.Values(c.given, "parameters")
	if err != nil {
		return err
	}
	rendered, err := c.Render(ctx, h.hubView(), values, h.Charts)
	if err != nil {
		return err
	}
	if err := owned.conflicts(name, rendered.Objects()); err != nil {
		return fmt.Errorf("bead %s cannot be on this hub:\n%w", name, err)
	}
	if p.put[name], err = files(c.Folder, rendered, newLock(c, all, present), h.hubView().URL); err != nil {
		return err
	}
	p.parts[name] = rendered
	for _, m := range rendered.Objects() {
		p.change.Objects = append(p.change.Objects, identify(m.Object).String())
	}
	for _, secret := range c.Spec.Secrets {
		p.change.Warnings = append(p.change.Warnings, h.missing(ctx, name, secret)...)
	}
	if name != p.change.Bead {
		p.change.Also = append(p.change.Also, name)
	}
	return nil
}

// newLock says where a candidate comes from.
func newLock(c *candidate, all []*candidate, present []Installed) *Lock {
	requires := make(map[string]string, len(c.Spec.Requires.Beads))
	for name := range c.Spec.Requires.Beads {
		if there, ok := find(present, name); ok {
			requires[name] = there.Version()
		}
		for _, other := range all {
			if other.Metadata.Name == name {
				requires[name] = other.Spec.Version
			}
		}
	}
	return &Lock{
		APIVersion: bead.APIVersion, Kind: lockKind, Metadata: LockName{Name: c.Metadata.Name},
		Spec: LockSpec{
			Version: c.Spec.Version, Source: c.source, Origin: c.origin, Digest: c.digest, Requested: c.requested,
			Values: c.given, Requires: requires,
		},
	}
}

// commit writes a plan to hub.git, or proposes it. Where someone else has pushed meanwhile, it is worked out again.
func (h *Hub) commit(
	ctx context.Context, c *candidate, tree render.Tree, p *plan, to report.Reporter, check func([]Installed) error,
) error {
	title := p.change.title()
	return h.write(ctx, p.change, title, p.from, to, func(files map[string][]byte) error {
		now := p
		if !maps.EqualFunc(files, p.from.Files, bytes.Equal) {
			var err error
			if now, err = h.plan(ctx, c, tree, files, check); err != nil {
				return err
			}
		}
		for name, content := range now.put {
			put(files, name, content)
		}
		return nil
	})
}

// title is the first line of a change's commit.
func (c *Change) title() string {
	also := ""
	if len(c.Also) > 0 {
		also = " with " + strings.Join(c.Also, ", ")
	}
	switch {
	case c.Version == "":
		return fmt.Sprintf("Remove Bead %s %s", c.Bead, c.From)
	case c.From == "":
		return fmt.Sprintf("Add Bead %s %s%s", c.Bead, c.Version, also)
	case c.From == c.Version:
		return fmt.Sprintf("Change Bead %s %s%s", c.Bead, c.Version, also)
	}
	return fmt.Sprintf("Upgrade Bead %s from %s to %s%s", c.Bead, c.From, c.Version, also)
}
