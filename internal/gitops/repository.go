// Package gitops writes what backstack renders into a Git repository, in one commit, and never over what someone else
// wrote.
package gitops

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

// branch is the one that a hub follows.
const branch = "main"

// pushTries is how often a push is tried again from what someone else has pushed meanwhile.
const pushTries = 5

// Repository is a Git repository over HTTPS.
type Repository struct {
	URL      string
	Username string
	Token    string
	CA       []byte // PEM of the authority that the server's certificate comes from; the machine's if empty
}

// Result says what became of a repository.
type Result struct {
	Revision string   // the commit that the branch is at
	Changed  []string // the files that a new commit changed; none if there was nothing to commit
	Kept     []string // the files left as someone else changed them
}

// Update makes the files of tree those of the repository, in one commit with the message, where they differ from what
// was rendered before. A file that someone changed since stays as it is while its rendering stays the same; if both
// changed, nothing is written and the error is a *ConflictError, but for README.md, which is left. Files that backstack never
// rendered are not touched.
//
// Where a file that the tree was rendered from is to be written, but has changed since it was read, nothing is and the error
// is a *StaleError. edit, if not nil, is given each file that backstack never rendered here, and returns what it is to hold.
func (r Repository) Update(
	ctx context.Context, tree map[string][]byte, sources Sources, edit func(name string, content []byte) []byte, message string,
) (Result, error) {
	return r.commit(ctx, nil, branch, message, func(files billy.Filesystem) (*plan, error) {
		plan, err := newPlan(readFrom(files), tree, sources)
		if err == nil && edit != nil {
			err = plan.edit(files, tree, edit)
		}
		if err != nil {
			return nil, fmt.Errorf("comparing with %s: %w", r.URL, err)
		}
		return plan, nil
	})
}

// commit makes one commit of what planned says on top of from, which it uses up, or else of what is fetched, and pushes
// it to the branch called to. Where someone else has pushed meanwhile, planned is asked again with what is there then.
// Nothing is ever forced on the branch that a hub follows.
func (r Repository) commit(
	ctx context.Context, from *Checkout, to, message string, planned func(billy.Filesystem) (*plan, error),
) (Result, error) {
	for try := 1; ; try++ {
		result, err := r.tryCommit(ctx, from, to, message, planned)
		from = nil
		if moved := new(movedError); try < pushTries && errors.As(err, &moved) {
			continue
		}
		return result, err
	}
}

// movedError says that someone else has pushed since the branch was fetched.
type movedError struct{ error }

func (e *movedError) Unwrap() error { return e.error }

func (r Repository) tryCommit(
	ctx context.Context, from *Checkout, to, message string, planned func(billy.Filesystem) (*plan, error),
) (Result, error) {
	if from == nil {
		var err error
		if from, err = r.clone(ctx); err != nil {
			return Result{}, fmt.Errorf("fetching %s: %w", r.URL, err)
		}
	}
	plan, err := planned(from.worktree.Filesystem)
	if err != nil {
		return Result{}, err
	}
	result := Result{Revision: from.Revision, Kept: plan.kept}
	if len(plan.write)+len(plan.remove) == 0 {
		return result, nil
	}
	if err := plan.carryOut(from.worktree); err != nil {
		return Result{}, err
	}
	commit, err := from.worktree.Commit(message, &git.CommitOptions{Author: signature()})
	if err != nil {
		return Result{}, fmt.Errorf("committing to %s: %w", r.URL, err)
	}
	if err := r.push(ctx, from.repository, from.Revision, to); err != nil {
		return Result{}, fmt.Errorf("pushing to %s: %w", r.URL, err)
	}
	result.Revision, result.Changed = commit.String(), plan.changed
	return result, nil
}

// push pushes what was committed on top of head. A branch beside the one that a hub follows is a proposal, and a newer
// one takes its place.
func (r Repository) push(ctx context.Context, repository *git.Repository, head, to string) error {
	spec := "refs/heads/" + branch + ":refs/heads/" + to
	if to != branch {
		spec = "+" + spec
	}
	var said bytes.Buffer
	err := repository.PushContext(ctx, &git.PushOptions{
		RefSpecs: []config.RefSpec{config.RefSpec(spec)}, Auth: r.auth(), CABundle: r.CA, Progress: &said,
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	if to == branch {
		// Servers have many ways to say that someone else was faster: what counts is whether the branch is where it was.
		if tip, tipErr := r.Tip(ctx); tipErr == nil && tip != head {
			return &movedError{err}
		}
	}
	return r.rejected(err, to, said.String())
}

// Tip returns the commit that the branch is at on the server; empty if there is none.
func (r Repository) Tip(ctx context.Context) (string, error) {
	remote := git.NewRemote(memory.NewStorage(), &config.RemoteConfig{Name: git.DefaultRemoteName, URLs: []string{r.URL}})
	refs, err := remote.ListContext(ctx, &git.ListOptions{Auth: r.auth(), CABundle: r.CA})
	if err != nil && !errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return "", err
	}
	for _, ref := range refs {
		if ref.Name() == plumbing.NewBranchReferenceName(branch) {
			return ref.Hash().String(), nil
		}
	}
	return "", nil
}

// Checkout is a repository as it was fetched.
type Checkout struct {
	Files    map[string][]byte // all of them, by slash-separated path; set by Repository.Checkout
	Revision string            // the commit that they are of; empty if there is none yet

	repository *git.Repository
	worktree   *git.Worktree
}

// Checkout fetches the branch that a hub follows.
func (r Repository) Checkout(ctx context.Context) (*Checkout, error) {
	c, err := r.clone(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", r.URL, err)
	}
	if c.Files, err = readAll(c.worktree.Filesystem); err != nil {
		return nil, fmt.Errorf("reading %s: %w", r.URL, err)
	}
	return c, nil
}

// clone fetches the branch into memory.
func (r Repository) clone(ctx context.Context) (*Checkout, error) {
	c := &Checkout{}
	var err error
	c.repository, err = git.CloneContext(ctx, memory.NewStorage(), memfs.New(), &git.CloneOptions{
		URL: r.URL, Auth: r.auth(), CABundle: r.CA, ReferenceName: plumbing.NewBranchReferenceName(branch),
		SingleBranch: true, Depth: 1, Tags: git.NoTags,
	})
	switch {
	case err == nil:
		head, err := c.repository.Head()
		if err != nil {
			return nil, err
		}
		c.Revision = head.Hash().String()
	case errors.Is(err, transport.ErrEmptyRemoteRepository) || errors.Is(err, plumbing.ErrReferenceNotFound):
		if c.repository, err = r.start(); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	c.worktree, err = c.repository.Worktree()
	return c, err
}

// start makes a repository without a commit, to be pushed to one that has none.
func (r Repository) start() (*git.Repository, error) {
	repository, err := git.InitWithOptions(memory.NewStorage(), memfs.New(), git.InitOptions{
		DefaultBranch: plumbing.NewBranchReferenceName(branch),
	})
	if err != nil {
		return nil, err
	}
	_, err = repository.CreateRemote(&config.RemoteConfig{Name: git.DefaultRemoteName, URLs: []string{r.URL}})
	return repository, err
}

func (r Repository) auth() transport.AuthMethod {
	if r.Token == "" {
		return nil
	}
	return &http.BasicAuth{Username: r.Username, Password: r.Token}
}

func signature() *object.Signature {
	return &object.Signature{Name: "backstack", Email: "backstack@hub.invalid", When: time.Now()}
}
