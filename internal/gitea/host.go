// Package gitea sets up the repositories, accounts and webhooks of a hub on a Gitea server through its API. Everything
// is idempotent: what is there already is left as it is.
package gitea

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"code.gitea.io/sdk/gitea"
)

// Owner is the account that owns the hub's repositories.
const Owner = "backstack"

// RepositoryURL is the address of one of the hub's repositories on the server at url.
func RepositoryURL(url, name string) string { return url + "/" + Owner + "/" + name + ".git" }

// Host is a Gitea server, spoken to as Owner.
type Host struct {
	url  string
	http *http.Client
	api  *gitea.Client
}

// New makes a Host of the server at url, with an access token of Owner.
func New(ctx context.Context, url, token string, client *http.Client) (*Host, error) {
	// Without asking for its version: that it cannot be reached and that it refuses the token are to be told apart.
	api, err := gitea.NewClient(url, gitea.SetToken(token), gitea.SetHTTPClient(client), gitea.SetContext(ctx), gitea.SetGiteaVersion(""))
	if err != nil {
		return nil, fmt.Errorf("connecting to Gitea at %s: %w", url, err)
	}
	return &Host{url: url, http: client, api: api}, nil
}

// Authenticated says whether the server accepts the token. That it does not answer is an error.
func (h *Host) Authenticated() (bool, error) {
	_, response, err := h.api.GetMyUserInfo()
	if has(response, http.StatusUnauthorized) || has(response, http.StatusForbidden) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("logging in to Gitea at %s: %w", h.url, err)
	}
	return true, nil
}

// EnsureRepository makes the private, empty repository called name.
func (h *Host) EnsureRepository(name, description string) error {
	_, response, err := h.api.CreateRepo(gitea.CreateRepoOption{
		Name: name, Description: description, Private: true, DefaultBranch: "main",
	})
	if err != nil && !has(response, http.StatusConflict) {
		return fmt.Errorf("making the repository %s in Gitea: %w", name, err)
	}
	return nil
}

// readScopes is all that an account which only fetches needs.
var readScopes = []gitea.AccessTokenScope{"read:repository"}

// NewReader makes the account called name unless it is there, lets it read the repositories, and returns a new access
// token of it that can do nothing else.
func (h *Host) NewReader(ctx context.Context, name string, repositories ...string) (string, error) {
	password := rand.Text()
	if err := h.ensureUser(name, password); err != nil {
		return "", err
	}
	mode := gitea.AccessModeRead
	for _, repository := range repositories {
		if _, err := h.api.AddCollaborator(Owner, repository, name, gitea.AddCollaboratorOption{Permission: &mode}); err != nil {
			return "", fmt.Errorf("letting %s read the repository %s in Gitea: %w", name, repository, err)
		}
	}
	reader, err := gitea.NewClient(h.url, gitea.SetBasicAuth(name, password), gitea.SetHTTPClient(h.http), gitea.SetContext(ctx))
	if err != nil {
		return "", fmt.Errorf("connecting to Gitea as %s: %w", name, err)
	}
	token, _, err := reader.CreateAccessToken(gitea.CreateAccessTokenOption{
		Name: name + "-" + rand.Text()[:8], Scopes: readScopes,
	})
	if err != nil {
		return "", fmt.Errorf("making an access token of %s in Gitea: %w", name, err)
	}
	return token.Token, nil
}

// ensureUser makes the account called name with the password, or gives it that password.
func (h *Host) ensureUser(name, password string) error {
	no := false
	_, response, err := h.api.AdminCreateUser(gitea.CreateUserOption{
		Username: name, Email: name + "@hub.invalid", Password: password, MustChangePassword: &no,
	})
	if err == nil {
		return nil
	}
	if !has(response, http.StatusUnprocessableEntity) {
		return fmt.Errorf("making the account %s in Gitea: %w", name, err)
	}
	if _, err := h.api.AdminEditUser(name, gitea.EditUserOption{
		LoginName: name, Password: password, MustChangePassword: &no,
	}); err != nil {
		return fmt.Errorf("resetting the account %s in Gitea: %w", name, err)
	}
	return nil
}

// EnsureWebhook makes Gitea tell url of every push to the repository, signed with secret, and not what former says was there
// before, which may be nil.
func (h *Host) EnsureWebhook(repository, url, secret string, former func(url string) bool) error {
	hooks, _, err := h.api.ListRepoHooks(Owner, repository, gitea.ListHooksOptions{})
	if err != nil {
		return fmt.Errorf("listing the webhooks of %s in Gitea: %w", repository, err)
	}
	there := false
	for _, hook := range hooks {
		switch {
		case hook.Config["url"] == url && hook.Active:
			there = true
		case former != nil && former(hook.Config["url"]):
			if _, err := h.api.DeleteRepoHook(Owner, repository, hook.ID); err != nil {
				return fmt.Errorf("removing the webhook of %s in Gitea that tells %s: %w", repository, hook.Config["url"], err)
			}
		}
	}
	if there {
		return nil
	}
	_, _, err = h.api.CreateRepoHook(Owner, repository, gitea.CreateHookOption{
		Type:   gitea.HookTypeGitea,
		Config: map[string]string{"url": url, "content_type": "json", "secret": secret},
		Events: []string{"push"},
		Active: true,
	})
	if err != nil {
		return fmt.Errorf("making the webhook of %s in Gitea: %w", repository, err)
	}
	return nil
}

func has(response *gitea.Response, status int) bool {
	return response != nil && response.Response != nil && response.StatusCode == status
}
