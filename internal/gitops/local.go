package gitops

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// ReadLocal returns a file at the tip of the branch of the bare repository in the folder dir, and nil if there is no such
// repository, commit or file.
func ReadLocal(dir, name string) ([]byte, error) {
	commit, err := openLocal(dir)
	if err != nil || commit == nil {
		return nil, err
	}
	data, err := readCommit(commit)(name)
	if err != nil {
		return nil, fmt.Errorf("reading %s in %s: %w", name, dir, err)
	}
	return data, nil
}

// CheckLocal returns the *ConflictError or *StaleError that Update would now, for the bare repository in the folder dir. To
// one that is not there, or has no commit, everything can be written.
func CheckLocal(dir string, tree map[string][]byte, sources Sources) error {
	commit, err := openLocal(dir)
	if err != nil || commit == nil {
		return err
	}
	if _, err := newPlan(readCommit(commit), tree, sources); err != nil {
		return fmt.Errorf("comparing with %s: %w", dir, err)
	}
	return nil
}

// openLocal returns the tip of the branch of the bare repository in the folder dir, nil if there is none.
func openLocal(dir string) (*object.Commit, error) {
	repository, err := git.PlainOpen(dir)
	if errors.Is(err, git.ErrRepositoryNotExists) || errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	ref, err := repository.Reference(plumbing.NewBranchReferenceName(branch), true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	commit, err := repository.CommitObject(ref.Hash())
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	return commit, nil
}

// readCommit returns a function that reads files of a commit.
func readCommit(commit *object.Commit) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		file, err := commit.File(name)
		if errors.Is(err, object.ErrFileNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := file.Contents()
		return []byte(content), err
	}
}
