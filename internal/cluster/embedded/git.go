package embedded

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/ports"
	"github.com/back-stack/backstack/internal/gitea"
)

// RepositoryURL is the address of one of the hub's repositories on a Gitea that listens on port.
func RepositoryURL(port int, name string) string {
	return gitea.RepositoryURL(loopbackURL(port), name)
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
	client, err := c.PKI().HTTPClient("ca", "")
	if err != nil {
		return nil, err
	}
	port := c.programs.ports[PortGitea]
	git, err := gitea.EnsureHub(ctx, gitea.Setup{
		URL: loopbackURL(port), HTTP: client, Secrets: c.Secrets(), Admin: c.programs.giteaAdmin,
		Webhook: loopbackURL(c.programs.ports[PortArgoCD]) + webhookPath, Former: c.formerWebhook,
	})
	if err != nil {
		return nil, err
	}
	if git.CA, err = os.ReadFile(c.PKI().Cert("ca")); err != nil {
		return nil, fmt.Errorf("reading the hub's certificate authority: %w", err)
	}
	git.Hub, git.Requests = RepositoryURL(port, "hub"), RepositoryURL(port, "requests")
	return git, nil
}

// webhookPath is where Argo CD takes webhooks.
const webhookPath = "/api/webhook"

// formerWebhook says whether Argo CD of this hub has listened at url, and does no more: on any port of this machine that is
// not another hub's now.
func (c *Cluster) formerWebhook(webhook string) bool {
	parsed, err := url.Parse(webhook)
	if err != nil || parsed.Hostname() != "127.0.0.1" || parsed.Path != webhookPath {
		return false
	}
	port, err := strconv.Atoi(parsed.Port())
	return err == nil && port != c.programs.ports[PortArgoCD] && !ports.Others(c.Layout.Ports())[port]
}

// giteaAdmin is a gitea.Admin that runs beside the running server.
func (p programs) giteaAdmin(ctx context.Context, args ...string) (string, error) {
	server := p.gitea()[0]
	command := exec.CommandContext(ctx, server.Path, append([]string{"admin", "user", "--config=" + p.giteaConfig()}, args...)...)
	command.Env, command.Dir = server.Env, server.Dir
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return string(output), nil
}
