// Package pods makes the components of a hub run as pods, on whichever cluster the hub is. Their charts bring everything
// that Git may hold; this package waits for the pods, and sets up the Git server among them.
package pods

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/gitea"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/pki"
	"github.com/back-stack/backstack/internal/secrets"
)

// Layout names the files of one hub whose components run as pods, all of them below one folder that only its owner can
// enter. Its cluster's provider has files beside them.
type Layout struct {
	Root string // $XDG_STATE_HOME/backstack/hubs/NAME
}

// Secrets is the folder of passwords and tokens.
func (l Layout) Secrets() secrets.Dir { return secrets.Dir(filepath.Join(l.Root, "credentials")) }

// PKI holds the hub's certificate authority and the certificate of its pages.
func (l Layout) PKI() pki.Dir { return pki.Dir(filepath.Join(l.Root, "pki")) }

// Charts holds the archives of upstream's charts.
func (l Layout) Charts() string { return filepath.Join(l.Root, "charts") }

// Runtime makes the components of one hub run.
type Runtime struct {
	Layout
	client    *kube.Client
	elsewhere *cluster.Git
	service   string
}

var _ cluster.Runtime = (*Runtime)(nil)

// Options say which hub, and where.
type Options struct {
	Dir       string       // the hub's state folder
	Client    *kube.Client // its cluster
	Elsewhere *cluster.Git // the repositories, where they are not on the hub's own Gitea; else nil
	Service   string       // the URL by which the cluster reaches the hub's own Gitea
}

// New describes how the components of a hub run; nothing is made or read.
func New(o Options) *Runtime {
	return &Runtime{Layout: Layout{Root: o.Dir}, client: o.Client, elsewhere: o.Elsewhere, service: o.Service}
}

// EnsureDefinitions does nothing: the charts bring them.
func (r *Runtime) EnsureDefinitions(context.Context, func(string)) error { return nil }

// EnsurePrograms waits until the pods of a component run. It returns whether it had to.
func (r *Runtime) EnsurePrograms(ctx context.Context, component string, waiting func(string)) (bool, error) {
	chart, ok := charts.Lookup(component)
	if !ok {
		return false, nil
	}
	waited := false
	err := r.client.AwaitWorkloads(ctx, chart.Namespace, "", func(what string) {
		waited = true
		if waiting != nil {
			waiting(what)
		}
	})
	if err != nil {
		return false, fmt.Errorf("waiting for the pods of %s: %w", component, err)
	}
	return waited, nil
}

// Credentials returns the passwords that Argo CD starts with; they are made if they are not there.
func (r *Runtime) Credentials(context.Context) (*cluster.Credentials, error) {
	return cluster.NewCredentials(r.Secrets())
}

// giteaSelector finds Gitea's pod.
const giteaSelector = "app.kubernetes.io/name=gitea"

// EnsureGit waits for Gitea, forwards a port to it until ctx ends, and makes the accounts, the repositories and the
// webhooks. It is for hubs whose repositories are there.
func (r *Runtime) EnsureGit(ctx context.Context, waiting func(string)) (*cluster.Git, error) {
	for try := 1; ; try++ {
		git, err := r.setUpGit(ctx, waiting)
		if err == nil || try == gitTries || ctx.Err() != nil {
			return git, err
		}
		// A node that was started again says for a while that its pods are ready, as they were before.
		if waiting != nil {
			waiting("Gitea: " + err.Error())
		}
		select {
		case <-ctx.Done():
		case <-time.After(gitPause):
		}
	}
}

// How often, and after what pauses, a Gitea is asked that is said to be ready and does not answer.
const (
	gitTries = 20
	gitPause = 2 * time.Second
)

func (r *Runtime) setUpGit(ctx context.Context, waiting func(string)) (*cluster.Git, error) {
	if _, err := r.EnsurePrograms(ctx, "gitea", waiting); err != nil {
		return nil, err
	}
	via, err := r.reach(ctx)
	if err != nil {
		return nil, err
	}
	git, err := gitea.EnsureHub(ctx, gitea.Setup{
		URL: via, HTTP: http.DefaultClient, Secrets: r.Secrets(), Admin: r.admin,
		Webhook: argoWebhook,
	})
	if err != nil {
		return nil, err
	}
	r.locate(git, via)
	return git, nil
}

// OpenGit returns the repositories of a hub that is there, for reading and writing until ctx ends.
func (r *Runtime) OpenGit(ctx context.Context) (*cluster.Git, error) {
	if r.elsewhere != nil {
		return r.elsewhere, nil
	}
	token, err := r.Secrets().Get(cluster.GitToken)
	if err != nil {
		return nil, err
	}
	via, err := r.reach(ctx)
	if err != nil {
		return nil, err
	}
	git := &cluster.Git{Username: gitea.Owner, Token: token}
	r.locate(git, via)
	return git, nil
}

func (r *Runtime) locate(git *cluster.Git, via string) {
	git.Hub, git.Requests = gitea.RepositoryURL(r.service, "hub"), gitea.RepositoryURL(r.service, "requests")
	git.Via = via
}

// argoWebhook is where the cluster reaches Argo CD's webhook.
const argoWebhook = "http://argocd-server.argocd.svc/api/webhook"

// reach forwards a port to Gitea until ctx ends, and returns the URL that leads there.
func (r *Runtime) reach(ctx context.Context) (string, error) {
	forward, err := r.client.Forward(ctx, "gitea", giteaSelector, 3000)
	if err != nil {
		return "", fmt.Errorf("reaching Gitea: %w", err)
	}
	return "http://" + forward.Address(), nil
}

// admin runs `gitea admin user` in Gitea's pod.
func (r *Runtime) admin(ctx context.Context, args ...string) (string, error) {
	return r.client.Exec(ctx, "gitea", giteaSelector,
		append([]string{"gitea", "admin", "user", "--config=/etc/gitea/app.ini"}, args...)...)
}
