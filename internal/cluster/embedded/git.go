package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"crypto/rand"

	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/gitea"
)

// Names of the credentials of the Git server.
const (
	GiteaToken  = "gitea-token" // of the repositories' owner
	readerToken = "argocd-repository-token"
	webhookKey  = "webhook-secret"
	readerName  = "argocd"
)

// RepositoryURL is the address of one of the hub's repositories on a Gitea that listens on port.
func RepositoryURL(port int, name string) string {
	return fmt.Sprintf("%s/%s/%s.git", loopbackURL(port), gitea.Owner, name)
}

// LocalRepository is the folder of one of the hub's repositories, which can be read while Gitea is stopped.
func (l Layout) LocalRepository(name string) string {
	return filepath.Join(l.Data("gitea"), "repositories", gitea.Owner, name+".git")
}

// EnsureGit starts Gitea and makes the accounts, the repositories and the webhooks.
func (c *Cluster) EnsureGit(ctx context.Context, waiting func(string)) (*cluster.Git, error) {
	if err := c.launch(ctx); err != nil {
		return nil, err
	}
	if _, err := c.run(ctx, waiting, c.programs.gitea()...); err != nil {
		return nil, err
	}
	host, token, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	secret, err := c.Secrets().Random(webhookKey)
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
		if err := host.EnsureWebhook(name, loopbackURL(c.programs.ports[PortArgoCD])+"/api/webhook", secret); err != nil {
			return nil, err
		}
	}
	reader, err := c.reader(ctx, host)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(c.PKI().Cert("ca"))
	if err != nil {
		return nil, fmt.Errorf("reading the hub's certificate authority: %w", err)
	}
	port := c.programs.ports[PortGitea]
	return &cluster.Git{
		Hub:      RepositoryURL(port, "hub"),
		Requests: RepositoryURL(port, "requests"),
		Username: gitea.Owner,
		Token:    token,
		CA:       ca,
		Reader:   cluster.Login{Username: readerName, Password: reader},
	}, nil
}

// reader returns the token with which Argo CD fetches.
func (c *Cluster) reader(ctx context.Context, host *gitea.Host) (string, error) {
	token, err := c.Secrets().Get(readerToken)
	if err != nil || token != "" {
		return token, err
	}
	token, err = host.NewReader(ctx, readerName, "hub", "requests")
	if err != nil {
		return "", err
	}
	return token, c.Secrets().Set(readerToken, token)
}

// connect returns a Gitea that accepts the owner's token, which is made if there is none.
func (c *Cluster) connect(ctx context.Context) (*gitea.Host, string, error) {
	client, err := c.PKI().HTTPClient("ca", "")
	if err != nil {
		return nil, "", err
	}
	url := loopbackURL(c.programs.ports[PortGitea])
	token, err := c.Secrets().Get(GiteaToken)
	if err != nil {
		return nil, "", err
	}
	if token != "" {
		host, err := gitea.New(ctx, url, token, client)
		if err == nil && host.Authenticated() {
			return host, token, nil
		}
	}
	if token, err = c.programs.newGiteaToken(ctx); err != nil {
		return nil, "", err
	}
	if err := c.Secrets().Set(GiteaToken, token); err != nil {
		return nil, "", err
	}
	host, err := gitea.New(ctx, url, token, client)
	return host, token, err
}

// newGiteaToken makes the owner's account with a password that nobody needs, and returns a new access token of it. Gitea
// makes both itself and prints the token, so that neither is among anybody's arguments.
func (p programs) newGiteaToken(ctx context.Context) (string, error) {
	name := "backstack-" + rand.Text()[:8]
	output, err := p.giteaAdmin(ctx, "create", "--username="+gitea.Owner, "--email="+gitea.Owner+"@hub.invalid", "--admin",
		"--random-password", "--must-change-password=false", "--access-token", "--access-token-name="+name)
	if err != nil && strings.Contains(err.Error(), "already exists") {
		// An earlier install was killed before it could keep the token.
		output, err = p.giteaAdmin(ctx, "generate-access-token", "--username="+gitea.Owner, "--token-name="+name, "--scopes=all")
	}
	if err != nil {
		return "", err
	}
	token := tokenPattern.FindString(output)
	if token == "" {
		return "", errors.New("making an access token in Gitea: it printed none")
	}
	return token, nil
}

var tokenPattern = regexp.MustCompile(`\b[0-9a-f]{40}\b`)

// giteaAdmin runs `gitea admin user` beside the running server and returns what it prints.
func (p programs) giteaAdmin(ctx context.Context, args ...string) (string, error) {
	server := p.gitea()[0]
	command := exec.CommandContext(ctx, server.Path, append([]string{"admin", "user", "--config=" + p.giteaConfig()}, args...)...)
	command.Env, command.Dir = server.Env, server.Dir
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("making the account %s in Gitea: %w: %s", gitea.Owner, err, strings.TrimSpace(stderr.String()+string(output)))
	}
	return string(output), nil
}
