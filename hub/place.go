package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/cluster/existing"
	"github.com/back-stack/backstack/internal/cluster/kind"
	"github.com/back-stack/backstack/internal/cluster/pods"
	"github.com/back-stack/backstack/internal/kube"
)

// place is where one hub runs.
type place struct {
	cluster.Provider
	embedded *embedded.Cluster // nil unless the components run as processes of this machine
	kind     *kind.Cluster     // nil unless the cluster is kind's
	existing *existing.Cluster // nil unless the cluster is someone else's

	registry *cluster.Registry // that everything comes from; nil if each image comes from its own
}

// placeOptions are what a hub needs whose components run as processes of this machine, and what is to become of it.
type placeOptions struct {
	archive    string   // an engine to use instead of building one
	supervisor []string // the command line that keeps the processes running

	removing bool         // whether the hub is to be removed: then it needs no login any more
	force    bool         // whether that may lose something
	waiting  func(string) // is told what removing waits for
}

// newPlace describes where a hub runs; nothing is made or read but the login of its registry.
func (h Home) newPlace(described *spec.Hub, run placeOptions) (*place, error) {
	name := described.Metadata.Name
	dir := h.Dir(name)
	registry, err := h.registry(described)
	if err != nil && !run.removing {
		return nil, err
	}
	switch described.Spec.Provider {
	case spec.ProviderEmbedded:
		c := newEmbedded(h, described, run)
		return &place{Provider: c, embedded: c}, nil
	case spec.ProviderKind:
		c := kind.New(kindOptions(described, dir, registry))
		return &place{Provider: c, kind: c, registry: registry}, nil
	case spec.ProviderExisting:
		e := described.Spec.Existing
		c := existing.New(existing.Options{
			Name: name, Dir: dir, Kubeconfig: e.Kubeconfig, Context: e.Context, Tenants: e.Tenants,
			Storage: enabled(described, spec.Gitea), Force: run.force, Waiting: run.waiting,
		})
		return &place{Provider: c, existing: c, registry: registry}, nil
	}
	return nil, &RequestError{fmt.Errorf("provider %s: this version of backstack installs hubs with provider %s, %s and %s only",
		described.Spec.Provider, spec.ProviderEmbedded, spec.ProviderKind, spec.ProviderExisting)}
}

// newEmbedded describes the embedded cluster that a hub asks for.
func newEmbedded(h Home, described *spec.Hub, run placeOptions) *embedded.Cluster {
	asked := described.Spec.Embedded.Ports
	var components []string
	for _, component := range spec.Components() {
		if enabled(described, component) {
			components = append(components, component)
		}
	}
	return embedded.New(embedded.Options{
		Name:   described.Metadata.Name,
		Dir:    h.Dir(described.Metadata.Name),
		Engine: engine.Options{CacheDir: h.Cache, Archive: run.archive},
		Ports: embedded.Ports{
			embedded.PortKubernetes: asked.Kubernetes, embedded.PortArgoCD: asked.ArgoCD, embedded.PortGitea: asked.Gitea,
		},
		Supervisor: run.supervisor,
		Components: components,
	})
}

func kindOptions(described *spec.Hub, dir string, registry *cluster.Registry) kind.Options {
	k := described.Spec.Kind
	options := kind.Options{
		Name: described.Metadata.Name, Dir: dir, Image: k.Image, Mirrors: k.Mirrors, Authorities: []byte(k.Authorities),
		Config: []byte(k.Config), Registry: registry,
		Ports: kind.Ports{Kubernetes: k.Ports.Kubernetes, HTTP: k.Ports.HTTP, HTTPS: k.Ports.HTTPS},
	}
	for _, mapping := range k.PortMappings {
		options.PortMappings = append(options.PortMappings, kind.PortMapping(mapping))
	}
	for _, mount := range k.Mounts {
		options.Mounts = append(options.Mounts, kind.Mount(mount))
	}
	return options
}

func enabled(h *spec.Hub, component string) bool { return *h.Spec.Components[component].Enabled }

// writePorts writes the ports that Prepare has chosen into the hub's description.
func (p *place) writePorts(h *spec.Hub) {
	switch {
	case p.embedded != nil:
		h.Spec.Embedded.Ports = describedPorts(p.embedded.Ports())
	case p.kind != nil:
		h.Spec.Kind.Ports = spec.KindPorts(p.kind.Ports())
	}
}

// describedPorts are the ports of an embedded hub that its description tells.
func describedPorts(chosen embedded.Ports) spec.Ports {
	return spec.Ports{
		Kubernetes: chosen[embedded.PortKubernetes], ArgoCD: chosen[embedded.PortArgoCD], Gitea: chosen[embedded.PortGitea],
	}
}

// makeRoom makes what the cluster's nodes need for the hub's pods.
func (p *place) makeRoom(ctx context.Context, h *spec.Hub) error {
	if p.kind == nil || !enabled(h, spec.Gitea) {
		return nil
	}
	const gitea = 1000 // the user and the group of its image
	return p.kind.EnsureNodeFolder(ctx, render.NodeFolder, gitea, gitea)
}

// runtime is how the components of the hub run there, once the cluster's API answers.
func (h Home) runtime(p *place, client *kube.Client, described *spec.Hub) (cluster.Runtime, error) {
	if p.embedded != nil {
		return p.embedded, nil
	}
	return h.pods(client, described)
}

// pods is how the components of a hub run as pods.
func (h Home) pods(client *kube.Client, described *spec.Hub) (*pods.Runtime, error) {
	elsewhere, err := h.elsewhere(described)
	if err != nil {
		return nil, err
	}
	return pods.New(pods.Options{
		Dir: h.Dir(described.Metadata.Name), Client: client, Elsewhere: elsewhere, Service: render.GiteaService,
	}), nil
}

// layout names the files of the hub called name that it has whatever it runs on.
func (h Home) layout(name string) pods.Layout { return pods.Layout{Root: h.Dir(name)} }

// gitTokenVariable has the token for repositories that are not on the hub's own Gitea.
const gitTokenVariable = "BACKSTACK_GIT_TOKEN"

// elsewhere returns the repositories of a hub that are not on its own Gitea, with the token that this process was given, or
// that an earlier install was; nil if they are.
func (h Home) elsewhere(described *spec.Hub) (*cluster.Git, error) {
	given := described.Spec.Repositories
	if given == nil || enabled(described, spec.Gitea) {
		return nil, nil
	}
	kept := h.layout(described.Metadata.Name).Secrets()
	token, err := os.Getenv(gitTokenVariable), error(nil)
	if token == "" {
		if token, err = kept.Get(cluster.GitToken); err != nil {
			return nil, err
		}
	}
	if token == "" {
		return nil, &RequestError{fmt.Errorf("spec.repositories: the repositories of hub %s need a token: want one that may read "+
			"and write both in the environment as %s", described.Metadata.Name, gitTokenVariable)}
	}
	// GitHub and GitLab take any user name with a token; this one says to a person what it is.
	const user = "x-access-token"
	return &cluster.Git{
		Hub: given.Hub, Requests: given.Requests, Username: user, Token: token, Reader: cluster.Login{Username: user, Password: token},
	}, nil
}

// checkElsewhere returns what keeps backstack from reading the repositories elsewhere and writing to them; git may be nil.
func checkElsewhere(ctx context.Context, git *cluster.Git) error {
	if git == nil {
		return nil
	}
	faults := make([]error, 2)
	var checks sync.WaitGroup
	for n, r := range []struct{ field, url string }{{"hub", git.Hub}, {"requests", git.Requests}} {
		checks.Go(func() {
			if err := repository(git, r.url).CheckAccess(ctx); err != nil {
				faults[n] = fmt.Errorf("spec.repositories.%s: %w", r.field, err)
			}
		})
	}
	checks.Wait()
	return errors.Join(faults...)
}

// exists says whether there is anything of the hub called name on this machine.
func (h Home) exists(name string) bool {
	_, err := os.Stat(filepath.Join(h.Dir(name), specFile))
	return !errors.Is(err, os.ErrNotExist)
}
