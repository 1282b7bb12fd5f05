package source

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/back-stack/backstack/beads/artifact"
)

// fetchGit returns the files of a folder in a repository as they are in one commit.
func fetchGit(ctx context.Context, ref Reference, o Options) (*Fetched, error) {
	dir, err := os.MkdirTemp("", "backstack-bead-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	repository, tip, err := openGit(ctx, ref, o, dir)
	if err != nil {
		return nil, err
	}
	commit, err := commitOf(repository, tip)
	if err != nil {
		return nil, err
	}
	root, err := folderOf(commit, ref.Path)
	if err != nil {
		return nil, err
	}
	files, err := artifact.ReadFS(treeFS{root: root, objects: repository.Storer})
	pinned := ref
	pinned.Revision = commit.Hash.String()
	return &Fetched{Files: files, Source: pinned.String(), Origin: ref.String(), Revision: pinned.Revision}, err
}

// openGit returns a repository that holds the revision, and the object that the revision is. One on this machine is
// read where it is; from others as little as possible is fetched into dir.
func openGit(ctx context.Context, ref Reference, o Options, dir string) (*git.Repository, plumbing.Hash, error) {
	if path := localPath(ref.Repository); path != "" {
		return openLocal(path, ref.Revision)
	}
	return fetchRemote(ctx, ref, o, dir)
}

// openLocal opens a repository on this machine, with or without a worktree; what is not committed does not count.
func openLocal(path, revision string) (*git.Repository, plumbing.Hash, error) {
	repository, err := git.PlainOpenWithOptions(path, &git.PlainOpenOptions{EnableDotGitCommonDir: true})
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("opening the repository %s: %w", path, err)
	}
	iterator, err := repository.References()
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("reading the branches and tags of %s: %w", path, err)
	}
	var refs []*plumbing.Reference
	err = iterator.ForEach(func(r *plumbing.Reference) error {
		refs = append(refs, r)
		return nil
	})
	if err != nil {
		return nil, plumbing.ZeroHash, fmt.Errorf("reading the branches and tags of %s: %w", path, err)
	}
	found, err := find(refs, revision)
	return repository, found.hash, err
}

// commitOf returns the commit that an object is, or that it tags.
func commitOf(repository *git.Repository, hash plumbing.Hash) (*object.Commit, error) {
	for {
		found, err := repository.Object(plumbing.AnyObject, hash)
		if err != nil {
			return nil, fmt.Errorf("the repository has no commit %s: %w", hash, err)
		}
		switch found := found.(type) {
		case *object.Commit:
			return found, nil
		case *object.Tag:
			hash = found.Target
		default:
			return nil, fmt.Errorf("%s is a %s: want a commit", hash, found.Type())
		}
	}
}

// folderOf returns a folder as it is in a commit.
func folderOf(commit *object.Commit, path string) (*object.Tree, error) {
	tree, err := commit.Tree()
	if err != nil || path == "." {
		return tree, err
	}
	folder, err := tree.Tree(path)
	if errors.Is(err, object.ErrDirectoryNotFound) {
		return nil, fmt.Errorf("commit %s has no folder %s: want the folder that bead.yaml is in", commit.Hash, path)
	}
	return folder, err
}
