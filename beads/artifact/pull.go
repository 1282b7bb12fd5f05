package artifact

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/Masterminds/semver/v3"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// Pull returns the artifact that ref names and checks all of it. A ref without a tag and a digest names the highest
// version among the tags; one before a release counts only where there is no other.
func Pull(ctx context.Context, ref string, o Options) (*Package, error) {
	source, err := ParseReference(ref)
	if err != nil {
		return nil, fmt.Errorf("pulling the Bead: %w", err)
	}
	repo, err := repository(ctx, source, o)
	if err != nil {
		return nil, fmt.Errorf("pulling %s: %w", source, err)
	}
	p, err := pull(ctx, repo, source)
	if err != nil {
		return nil, fmt.Errorf("pulling %s: %w", source, explain(err, source))
	}
	return p, nil
}

func pull(ctx context.Context, repo *remote.Repository, source Reference) (*Package, error) {
	tagOrDigest, err := choose(ctx, repo, source)
	if err != nil {
		return nil, err
	}
	manifest, err := pullManifest(ctx, repo, tagOrDigest)
	if err != nil {
		return nil, err
	}
	return open(ctx, manifest, repo)
}

// resolve finds out which artifact is meant, without fetching it.
func resolve(ctx context.Context, repo *remote.Repository, source Reference) (ocispec.Descriptor, error) {
	tagOrDigest, err := choose(ctx, repo, source)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return repo.Resolve(ctx, tagOrDigest)
}

// choose returns the tag or digest of source, or the tag of the highest version if it has neither.
func choose(ctx context.Context, repo *remote.Repository, source Reference) (string, error) {
	if source.Reference.Reference != "" {
		return source.Reference.Reference, nil
	}
	return newest(ctx, repo)
}

// pullManifest returns a manifest of limited size.
func pullManifest(ctx context.Context, repo *remote.Repository, tagOrDigest string) (blob, error) {
	described, body, err := repo.FetchReference(ctx, tagOrDigest)
	if err != nil {
		return blob{}, err
	}
	defer func() { _ = body.Close() }()
	if err := checkDescriptor("manifest", described, ocispec.MediaTypeImageManifest, maxManifest); err != nil {
		return blob{}, err
	}
	data, err := content.ReadAll(body, described)
	if err != nil {
		return blob{}, err
	}
	return blob{Descriptor: described, content: data}, nil
}

// newest returns the tag of the highest version in a repository.
func newest(ctx context.Context, repo *remote.Repository) (string, error) {
	var tag string
	var highest *semver.Version
	err := repo.Tags(ctx, "", func(tags []string) error {
		for _, candidate := range tags {
			version, err := semver.StrictNewVersion(versionOf(candidate))
			if err == nil && (highest == nil || higher(version, highest)) {
				tag, highest = candidate, version
			}
		}
		return nil
	})
	if err == nil && highest == nil {
		err = errors.New("none of its tags is a version: want a tag or a digest behind the repository")
	}
	return tag, err
}

// higher says whether a is to be preferred to b.
func higher(a, b *semver.Version) bool {
	if released := a.Prerelease() == ""; released != (b.Prerelease() == "") {
		return released
	}
	return a.GreaterThan(b)
}

// explain adds to a registry's answer what to do about it.
func explain(err error, ref Reference) error {
	switch {
	case refused(err):
		return fmt.Errorf("%w: want credentials that may, in the Docker configuration: docker login %s", err, ref.Registry)
	case errors.Is(err, errdef.ErrNotFound):
		return fmt.Errorf("%w: want a repository, and a tag or digest in it, that exist", err)
	case errors.Is(err, content.ErrMismatchedDigest):
		return fmt.Errorf("%w: what the registry serves is not what the digest says, somebody changed it", err)
	}
	return err
}

// refused says whether a registry wants other credentials.
func refused(err error) bool {
	var answer *errcode.ErrorResponse
	if errors.As(err, &answer) {
		return answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden
	}
	return errors.Is(err, auth.ErrBasicCredentialNotFound)
}
