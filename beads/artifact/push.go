package artifact

import (
	"bytes"
	"context"
	"fmt"

	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Push puts an artifact into a registry and returns the reference to it by its digest. A ref without a tag gets the
// Bead's version as its tag. The tag is set last, so it never names something that is not whole.
func Push(ctx context.Context, ref string, p *Package, o Options) (Reference, error) {
	target, err := ParseReference(ref)
	if err != nil {
		return Reference{}, fmt.Errorf("pushing the Bead: %w", err)
	}
	if target.IsDigest() {
		return Reference{}, fmt.Errorf("pushing the Bead to %s: want a tag, the digest follows from the content", target)
	}
	if target.Reference.Reference == "" {
		target = target.At(tagFor(p.About.Version))
	}
	repo, err := repository(ctx, target, o)
	if err != nil {
		return Reference{}, fmt.Errorf("pushing the Bead to %s: %w", target, err)
	}
	if err := push(ctx, repo, target.Reference.Reference, p); err != nil {
		return Reference{}, fmt.Errorf("pushing the Bead to %s: %w", target, explain(err, target))
	}
	return target.At(p.Digest()), nil
}

func push(ctx context.Context, repo *remote.Repository, tag string, p *Package) error {
	// Naming all rights at once makes it one token instead of one for each request.
	ctx = auth.AppendRepositoryScope(ctx, repo.Reference, auth.ActionPull, auth.ActionPush)
	for _, b := range []blob{p.layer, p.config} {
		exists, err := repo.Exists(ctx, b.Descriptor)
		if err == nil && !exists {
			err = repo.Push(ctx, b.Descriptor, bytes.NewReader(b.content))
		}
		if err != nil {
			return err
		}
	}
	return repo.PushReference(ctx, p.manifest.Descriptor, bytes.NewReader(p.manifest.content), tag)
}
