package gitops

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
)

// accessTimeout bounds the look at a repository before anything is done.
const accessTimeout = 30 * time.Second

// CheckAccess returns what keeps this account from reading the repository and pushing to it, as far as the server says so
// before there is something to push: where it is, the token, and the token's rights. Nothing is changed.
func (r Repository) CheckAccess(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, accessTimeout, fmt.Errorf("no answer within %s", accessTimeout))
	defer cancel()
	endpoint, err := transport.NewEndpoint(r.URL)
	if err != nil {
		return fmt.Errorf("%s is no address of a repository: %w", r.URL, err)
	}
	endpoint.CaBundle = r.CA
	protocol, err := client.NewClient(endpoint)
	if err != nil {
		return fmt.Errorf("%s: %w: want one that begins with https://", r.URL, err)
	}
	reading, err := protocol.NewUploadPackSession(endpoint, r.auth())
	if err := advertised(ctx, reading, err); err != nil && !errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return r.explain(ctx, "read", err)
	}
	writing, err := protocol.NewReceivePackSession(endpoint, r.auth())
	if err := advertised(ctx, writing, err); err != nil {
		return r.explain(ctx, "write to", err)
	}
	return nil
}

// advertised asks what the repository has, as a fetch and a push do before anything else, and ends the session. err is how
// opening it ended.
func advertised(ctx context.Context, session transport.Session, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = session.Close() }()
	_, err = session.AdvertisedReferencesContext(ctx)
	return err
}

// explain says why the server does not let the account read or write.
func (r Repository) explain(ctx context.Context, what string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w: want a Git server that this machine reaches", r.URL, context.Cause(ctx))
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return fmt.Errorf("%s: the server does not know the token: want one that is valid", r.URL)
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return fmt.Errorf("%s: the token may not %s it: want one that may read and write it", r.URL, what)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("%s: there is no such repository, or the token may not %s it: make an empty one, or want a token "+
			"that may read and write it", r.URL, what)
	}
	return fmt.Errorf("%s: %w: want a Git server that this machine reaches", r.URL, err)
}

// RejectedError says that the server did not take a push, though the account may push and nobody else was faster.
type RejectedError struct {
	URL    string
	Branch string
	Said   string // what the server told whoever pushes; may be empty
	Err    error
}

// Error names the branch, and what the server said.
func (e *RejectedError) Error() string {
	text := fmt.Sprintf("%s does not take a commit to %s: %v", e.URL, e.Branch, e.Err)
	if e.Said != "" {
		text += " (" + e.Said + ")"
	}
	return text + ": want a branch that this token may push to, without a review"
}

// Unwrap returns how the push ended.
func (e *RejectedError) Unwrap() error { return e.Err }

// rejection is how the error of a push begins whose branch the server did not take: go-git has no type for it.
const rejection = "command error on "

// rejected makes the error of a push to a branch a *RejectedError, if it is one. said is what the server said meanwhile.
func (r Repository) rejected(err error, to, said string) error {
	if !strings.HasPrefix(err.Error(), rejection) {
		return err
	}
	return &RejectedError{URL: r.URL, Branch: to, Said: strings.Join(strings.Fields(said), " "), Err: err}
}
