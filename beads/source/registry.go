package source

import (
	"context"

	"github.com/back-stack/backstack/beads/artifact"
)

// fetchRegistry pulls an artifact. Its signature is verified first, and what is pulled then is just what was signed.
func fetchRegistry(ctx context.Context, ref Reference, o Options) (*Fetched, error) {
	options := artifact.Options{CA: o.CA}
	wanted := ref.Artifact
	if len(o.PublicKey) > 0 {
		var err error
		if wanted, err = artifact.Verify(ctx, wanted.String(), o.PublicKey, options); err != nil {
			return nil, err
		}
	}
	p, err := artifact.Pull(ctx, wanted.String(), options)
	if err != nil {
		return nil, err
	}
	return &Fetched{
		Files:    p.Files,
		Source:   ref.Artifact.At(p.Digest()).String(),
		Origin:   ref.String(),
		Revision: p.Digest(),
		Version:  p.About.Version,
	}, nil
}
