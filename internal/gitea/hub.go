package gitea

import (
	"context"
	"net/http"

	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/secrets"
)

// readerName is the account with which Argo CD fetches.
const readerName = "argocd"

// Setup is what the repositories of one hub need of a Gitea server.
type Setup struct {
	URL     string       // by which this process reaches the server
	HTTP    *http.Client // that trusts it
	Secrets secrets.Dir  // where the tokens are kept
	Admin   Admin
	Webhook string // Argo CD's, which is told of every push

	// Former says whether a webhook is where Argo CD's was before; nil if that never changes.
	Former func(url string) bool
}

// EnsureHub makes the accounts, the repositories and the webhooks of a hub. The result has the two accounts, and no URLs.
func EnsureHub(ctx context.Context, s Setup) (*cluster.Git, error) {
	host, token, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := s.Secrets.Random(cluster.WebhookSecret)
	if err != nil {
		return nil, err
	}
	for name, description := range map[string]string{
		"hub":      "What this hub is made of: Argo CD applies it",
		"requests": "What people ask this hub for: clusters and applications",
	} {
		if err := host.EnsureRepository(name, description); err != nil {
			return nil, err
		}
		if err := host.EnsureWebhook(name, s.Webhook, secret, s.Former); err != nil {
			return nil, err
		}
	}
	reader, err := s.reader(ctx, host)
	if err != nil {
		return nil, err
	}
	return &cluster.Git{
		Username: Owner, Token: token, Reader: cluster.Login{Username: readerName, Password: reader},
	}, nil
}

// connect returns a Gitea that accepts the owner's token, which is made if there is none.
func (s Setup) connect(ctx context.Context) (*Host, string, error) {
	token, err := s.Secrets.Get(cluster.GitToken)
	if err != nil {
		return nil, "", err
	}
	if token != "" {
		host, err := New(ctx, s.URL, token, s.HTTP)
		if err != nil {
			return nil, "", err
		}
		if accepted, err := host.Authenticated(); err != nil || accepted {
			return host, token, err
		}
	}
	if token, err = NewToken(ctx, s.Admin); err != nil {
		return nil, "", err
	}
	if err := s.Secrets.Set(cluster.GitToken, token); err != nil {
		return nil, "", err
	}
	host, err := New(ctx, s.URL, token, s.HTTP)
	return host, token, err
}

// reader returns the token with which Argo CD fetches.
func (s Setup) reader(ctx context.Context, host *Host) (string, error) {
	token, err := s.Secrets.Get(cluster.ReaderToken)
	if err != nil || token != "" {
		return token, err
	}
	token, err = host.NewReader(ctx, readerName, "hub", "requests")
	if err != nil {
		return "", err
	}
	return token, s.Secrets.Set(cluster.ReaderToken, token)
}
