package hub

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
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

	archives render.Archives
}

// Pods says whether the hub's cluster has nodes that run pods.
func (a *Access) Pods() bool { return a.Spec.Spec.Provider.Pods() }

// Tree is hub.git as backstack renders it.
func (a *Access) Tree() (render.Tree, error) { return render.Hub(a.Spec, a.archives) }

// Access opens the hub called name until ctx ends. The error is a *RequestError if the hub is stopped.
func (h Home) Access(ctx context.Context, name string) (*Access, error) {
	description, err := h.describedBy(name)
	if err != nil {
		return nil, err
	}
	place, err := h.newPlace(description, placeOptions{})
	if err != nil {
		return nil, err
	}
	status, err := place.Status(ctx)
	if err != nil {
		return nil, err
	}
	if !status.Running {
		if status.Reason != "" {
			return nil, fmt.Errorf("hub %s: %s", name, status.Reason)
		}
		return nil, &RequestError{fmt.Errorf("hub %s: %s", name, stoppedReason(description))}
	}
	token, err := h.layout(name).Secrets().Get(cluster.GitToken)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, &RequestError{fmt.Errorf("hub %s was not installed to the end: `backstack install` goes on", name)}
	}
	client, err := kube.New(place.Kubeconfig())
	if err != nil {
		return nil, err
	}
	git, err := h.openGit(ctx, place, client, description)
	if err != nil {
		return nil, err
	}
	charts, err := archives(ctx, h.layout(name).Charts(), description)
	if err != nil {
		return nil, err
	}
	return &Access{
		Name: name, Spec: locate(description), Client: client, archives: charts,
		Repository: repository(git, git.Hub), Requests: repository(git, git.Requests),
	}, nil
}

// openGit returns the repositories of a hub that runs.
func (h Home) openGit(ctx context.Context, place *place, client *kube.Client, described *spec.Hub) (*cluster.Git, error) {
	if place.embedded == nil {
		runtime, err := h.pods(client, described)
		if err != nil {
			return nil, err
		}
		return runtime.OpenGit(ctx)
	}
	layout := h.layout(described.Metadata.Name)
	token, err := layout.Secrets().Get(cluster.GitToken)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(layout.PKI().Cert("ca"))
	if err != nil {
		return nil, fmt.Errorf("reading the hub's certificate authority: %w", err)
	}
	located := locate(described).Spec.Repositories
	return &cluster.Git{
		Hub: located.Hub, Requests: located.Requests, Username: gitea.Owner, Token: token, CA: ca,
	}, nil
}

// stoppedReason says that a hub does not run, and what starts it.
func stoppedReason(described *spec.Hub) string {
	if described.Spec.Provider == spec.ProviderEmbedded {
		return "it is stopped: `backstack engine start` or `backstack install` starts it"
	}
	return "its cluster does not run, or does not answer: `backstack install` starts it"
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
func locate(h *spec.Hub) *spec.Hub {
	located := spec.Resolve(h)
	if located.Spec.Repositories == nil {
		server := render.GiteaService
		if located.Spec.Provider == spec.ProviderEmbedded {
			server = render.URL(located, spec.Gitea)
		}
		located.Spec.Repositories = &spec.Repositories{
			Hub: gitea.RepositoryURL(server, "hub"), Requests: gitea.RepositoryURL(server, "requests"),
		}
	}
	return located
}
