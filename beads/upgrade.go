package beads

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// Upgrade brings a Bead that is on the hub to another version, or to other values, and waits until it is healthy. Values
// that were given before stay; those of wanted are laid over them. An empty source means where the Bead came from.
//
// The error is a *hub.RefusedError if the new version defines kinds in a way that what people asked for does not fit.
func (h *Hub) Upgrade(ctx context.Context, name string, wanted Wanted, to report.Reporter) (*Change, error) {
	step := report.Start(to, "fetch", name)
	checkout, err := h.Repository.Checkout(ctx)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	found, there, err := h.newer(ctx, checkout.Files, name, wanted)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	step.Done(fmt.Sprintf("%s from %s", found, found.source))
	return h.apply(ctx, found, checkout, wanted.DryRun, to, func(present []Installed) error {
		if _, ok := find(present, name); !ok {
			return &hub.RequestError{Err: unknown(name, present, h.Name)}
		}
		return h.compatible(ctx, found, there)
	})
}

// newer returns what an installed Bead is to become.
func (h *Hub) newer(ctx context.Context, files map[string][]byte, name string, wanted Wanted) (*candidate, Installed, error) {
	present, err := installed(files)
	if err != nil {
		return nil, Installed{}, err
	}
	there, ok := find(present, name)
	if !ok {
		return nil, there, &hub.RequestError{Err: unknown(name, present, h.Name)}
	}
	if there.Lock == nil {
		return nil, there, &hub.RequestError{Err: fmt.Errorf("beads/%s in hub.git has no lock, so it did not come from "+
			"`backstack bead add`: change its files there", name)}
	}
	from := wanted.Source
	if from == "" {
		if from = there.Lock.Spec.Origin; strings.HasPrefix(from, "file:") {
			return nil, there, &hub.RequestError{Err: fmt.Errorf("bead %s came from a folder, %s: say where it is now: "+
				"`backstack bead upgrade %s PATH`", name, from, name)}
		}
	}
	found, err := h.fetch(ctx, from)
	if err != nil {
		return nil, there, err
	}
	if found.Metadata.Name != name {
		return nil, there, &hub.RequestError{Err: fmt.Errorf("%s is Bead %s: want one called %s", from, found.Metadata.Name, name)}
	}
	found.requested = there.Lock.Spec.Requested
	found.given = maps.Clone(there.Lock.Spec.Values)
	if found.given == nil {
		found.given = make(map[string]any)
	}
	maps.Copy(found.given, wanted.Values)
	return found, there, nil
}
