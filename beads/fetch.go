package beads

import (
	"context"
	"fmt"
	"net/url"

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
	if reference.Kind == source.Git && beside(reference.Repository, h.Repository.URL) {
		options.CA = h.Repository.CA
	}
	if key := h.publicKey(); key != "" {
		options.PublicKey = []byte(key)
		if reference.Kind != source.Registry && reference.Kind != source.Library {
			return nil, &hub.RequestError{Err: fmt.Errorf("hub %s takes only signed Beads (spec.beads.publicKey of hub.yaml), and %s "+
				"cannot be signed: want oci://, or a name in the library", h.Name, text)}
		}
	}
	fetched, err := source.Fetch(ctx, reference, options)
	if err != nil {
		return nil, err
	}
	loaded, err := bead.Load(bead.Files(fetched.Files))
	if err != nil {
		return nil, &hub.RequestError{Err: fmt.Errorf("bead %s is not in order:\n%w", text, err)}
	}
	return &candidate{Folder: loaded, source: fetched.Source, origin: fetched.Origin, digest: fetched.Digest}, nil
}

// beside says whether a repository is on the server that hub.git is on.
func beside(repository, hubGit string) bool {
	one, err := url.Parse(repository)
	other, err2 := url.Parse(hubGit)
	return err == nil && err2 == nil && one.Scheme == other.Scheme && one.Host == other.Host
}

// publicKey is the key that Beads must be signed with; empty if they need not be.
func (h *Hub) publicKey() string {
	if h.Spec.Spec.Beads == nil {
		return ""
	}
	return h.Spec.Spec.Beads.PublicKey
}
