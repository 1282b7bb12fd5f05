package hub

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/gitea"
	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/internal/kube"
)

// Access is what work on a hub that runs needs.
type Access struct {
	Name       string
	Spec       *spec.Hub         // resolved, with the addresses of its repositories
	Repository gitops.Repository // hub.git
	Requests   gitops.Repository // requests.git
	Client     *kube.Client      // the hub's cluster, as its administrator
}

// Pods says whether the hub's cluster has nodes that run pods.
func (a *Access) Pods() bool { return a.Spec.Spec.Provider != spec.ProviderEmbedded }

// Tree is hub.git as backstack renders it.
func (a *Access) Tree() (render.Tree, error) { return render.Hub(a.Spec) }

// Access opens the hub called name. The error is a *RequestError if the hub is stopped.
func (h Home) Access(ctx context.Context, name string) (*Access, error) {
	description, err := h.describedBy(name)
	if err != nil {
		return nil, err
	}
	cluster := embedded.New(embedded.Options{Name: name, Dir: h.Dir(name)})
	status, err := cluster.Status(ctx)
	if err != nil {
		return nil, err
	}
	if !status.Running {
		return nil, &RequestError{fmt.Errorf("hub %s is stopped: `backstack engine start` starts it", name)}
	}
	token, err := cluster.Secrets().Get(embedded.GiteaToken)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, &RequestError{fmt.Errorf("hub %s was not installed to the end: `backstack install` goes on", name)}
	}
	ca, err := os.ReadFile(cluster.PKI().Cert("ca"))
	if err != nil {
		return nil, fmt.Errorf("reading the hub's certificate authority: %w", err)
	}
	client, err := kube.New(cluster.Kubeconfig())
	if err != nil {
		return nil, err
	}
	located := locate(description, description.Spec.Embedded.Ports.Gitea)
	repository := func(url string) gitops.Repository {
		return gitops.Repository{URL: url, Username: gitea.Owner, Token: token, CA: ca}
	}
	return &Access{
		Name: name, Spec: located, Client: client,
		Repository: repository(located.Spec.Repositories.Hub), Requests: repository(located.Spec.Repositories.Requests),
	}, nil
}

// Lock keeps others from changing the hub called name until the returned function is called. command is what others are
// told of who holds it. The error is a *LockedError if someone else does.
func (h Home) Lock(name, command string) (release func(), err error) {
	held, err := acquireLock(h.Dir(name), name, command)
	if err != nil {
		if locked := new(LockedError); errors.As(err, &locked) {
			return nil, err
		}
		return nil, fmt.Errorf("locking hub %s: %w", name, err)
	}
	return held.release, nil
}

// locate returns the hub with the addresses of its repositories, which hub.yaml leaves out where they are the hub's own.
func locate(h *spec.Hub, giteaPort int) *spec.Hub {
	located := spec.Resolve(h)
	if located.Spec.Repositories == nil {
		located.Spec.Repositories = &spec.Repositories{
			Hub: embedded.RepositoryURL(giteaPort, "hub"), Requests: embedded.RepositoryURL(giteaPort, "requests"),
		}
	}
	return located
}
