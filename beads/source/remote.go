package source

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/back-stack/backstack/beads/artifact"
)

// fetchedName is what the one fetched revision is called in the copy.
const fetchedName = "refs/bead"

// remote is a repository that is read over the network.
type remote struct {
	*git.Remote
	auth transport.AuthMethod // nil: nobody, or over SSH what the agent offers
	ca   []byte
}

// fetchRemote copies one revision of a repository into dir, without its history where the server allows that.
func fetchRemote(ctx context.Context, ref Reference, o Options, dir string) (*git.Repository, plumbing.Hash, error) {
	storage := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRUDefault(),
		filesystem.Options{LargeObjectThreshold: artifact.MaxFile})
	repository, err := git.Init(storage, nil)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	r := &remote{
		Remote: git.NewRemote(storage, &config.RemoteConfig{Name: "origin", URLs: []string{ref.Repository}}),
		ca:     o.CA,
	}
	refs, err := r.list(ctx, o.Git)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	wanted, err := find(refs, ref.Revision)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	hash, err := r.copy(ctx, repository, wanted)
	return repository, hash, err
}

// list returns the branches and tags. The credentials are used only if the server asks for some.
func (r *remote) list(ctx context.Context, credentials Credentials) ([]*plumbing.Reference, error) {
	refs, err := r.ListContext(ctx, &git.ListOptions{CABundle: r.ca})
	if !errors.Is(err, transport.ErrAuthenticationRequired) {
		return refs, unreadable(err)
	}
	if r.auth, err = credentials.auth(r.Config().URLs[0]); err != nil {
		return nil, unreadable(err)
	}
	refs, err = r.ListContext(ctx, &git.ListOptions{CABundle: r.ca, Auth: r.auth})
	return refs, unreadable(err)
}

// copy fetches one revision and returns the object that it is.
func (r *remote) copy(ctx context.Context, into *git.Repository, wanted found) (plumbing.Hash, error) {
	if wanted.name == "" {
		return wanted.hash, r.copyCommit(ctx, wanted.hash)
	}
	if err := r.fetch(ctx, 1, "+"+wanted.name.String()+":"+fetchedName); err != nil {
		return plumbing.ZeroHash, err
	}
	fetched, err := into.Reference(fetchedName, true)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return fetched.Hash(), nil
}

// copyCommit fetches a commit that no branch or tag is at. Many servers give out only what is at one, with its history.
func (r *remote) copyCommit(ctx context.Context, hash plumbing.Hash) error {
	err := r.fetch(ctx, 1, hash.String()+":"+fetchedName)
	if errors.Is(err, git.ErrExactSHA1NotSupported) {
		return r.fetch(ctx, 0, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
	}
	return err
}

// fetch copies what the specs say, with so many commits of its history, or all for 0.
func (r *remote) fetch(ctx context.Context, depth int, specs ...string) error {
	options := &git.FetchOptions{Auth: r.auth, CABundle: r.ca, Depth: depth, Tags: git.NoTags}
	for _, spec := range specs {
		options.RefSpecs = append(options.RefSpecs, config.RefSpec(spec))
	}
	err := r.FetchContext(ctx, options)
	if errors.Is(err, git.NoErrAlreadyUpToDate) {
		return nil
	}
	return unreadable(err)
}

// unreadable says what was being done when a server refused.
func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading the repository: %w", err)
}
