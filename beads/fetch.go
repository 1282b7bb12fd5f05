package beads

import (
	"context"
	"fmt"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/source"
	"github.com/back-stack/backstack/hub"
)

// fetch gets the Bead that a person or a lock names.
func (h *Hub) fetch(ctx context.Context, text string) (*candidate, error) {
	reference, err := source.Parse(text)
	if err != nil {
		return nil, &hub.RequestError{Err: err}
	}
	options := h.Sources
	options.Library = h.Library
	fetched, err := source.Fetch(ctx, reference, options)
	if err != nil {
		return nil, fmt.Errorf("fetching Bead %s: %w", text, err)
	}
	loaded, err := bead.Load(bead.Files(fetched.Files))
	if err != nil {
		return nil, &hub.RequestError{Err: fmt.Errorf("Bead %s is not in order:\n%w", text, err)}
	}
	return &candidate{Folder: loaded, source: fetched.Source, digest: fetched.Digest}, nil
}
