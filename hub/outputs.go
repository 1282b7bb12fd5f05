package hub

import (
	"fmt"
	"strings"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/gitea"
)

const kubernetesVersion = charts.Kubernetes

// Outputs say how to reach what a hub offers. No credential is in them, only where it lies. The JSON form only grows.
type Outputs struct {
	Hub          string       `json:"hub"`
	Kubeconfig   string       `json:"kubeconfig"` // the path of the administrator's kubeconfig
	CA           string       `json:"ca"`         // the path of the authority that all certificates come from, PEM
	Repositories Repositories `json:"repositories"`
	ArgoCD       Login        `json:"argocd"`
	Portal       Login        `json:"portal"` // empty: an embedded hub has none yet
}

// Repositories are the two repositories of a hub, with the same credential.
type Repositories struct {
	Hub        string `json:"hub"`
	Requests   string `json:"requests"`
	Username   string `json:"username"`
	Credential string `json:"credential"` // the path of the file with the token
}

// Login is a place to log in to.
type Login struct {
	URL        string `json:"url"`
	Username   string `json:"username"`
	Credential string `json:"credential"` // the path of the file with the password
}

// Outputs returns those of the hub called name, which need not run.
func (h Home) Outputs(name string) (*Outputs, error) {
	description, err := h.describedBy(name)
	if err != nil {
		return nil, err
	}
	layout := h.layout(name)
	located := locate(description)
	outputs := &Outputs{
		Hub:        name,
		Kubeconfig: embedded.Layout{Root: h.Dir(name)}.Kubeconfig(),
		Repositories: Repositories{
			Hub: located.Spec.Repositories.Hub, Requests: located.Spec.Repositories.Requests,
			Username: gitea.Owner, Credential: layout.Secrets().Path(cluster.GitToken),
		},
		ArgoCD: Login{
			URL: render.URL(located, spec.ArgoCD), Username: "admin", Credential: layout.Secrets().Path(cluster.AdminPassword),
		},
	}
	if ca := layout.PKI().Cert("ca"); located.Spec.Provider == spec.ProviderEmbedded || located.Spec.Ingress != nil {
		outputs.CA = ca
	}
	if enabled(located, spec.Gitea) {
		server := render.URL(located, spec.Gitea)
		outputs.Repositories.Hub, outputs.Repositories.Requests = gitea.RepositoryURL(server, "hub"), gitea.RepositoryURL(server, "requests")
	}
	return outputs, nil
}

// Output is one value with its name, such as argocd.url.
type Output struct {
	Key, Value string
}

// All lists the values in the order of their importance, without empty ones.
func (o *Outputs) All() []Output {
	all := []Output{
		{"kubeconfig", o.Kubeconfig},
		{"ca", o.CA},
		{"repositories.hub", o.Repositories.Hub},
		{"repositories.requests", o.Repositories.Requests},
		{"repositories.username", o.Repositories.Username},
		{"repositories.credential", o.Repositories.Credential},
		{"argocd.url", o.ArgoCD.URL},
		{"argocd.username", o.ArgoCD.Username},
		{"argocd.credential", o.ArgoCD.Credential},
		{"portal.url", o.Portal.URL},
		{"portal.username", o.Portal.Username},
		{"portal.credential", o.Portal.Credential},
	}
	var present []Output
	for _, output := range all {
		if output.Value != "" {
			present = append(present, output)
		}
	}
	return present
}

// Get returns the value called key. A key that stands for several means its URL: argocd is argocd.url, repositories is
// repositories.hub. The error is a *RequestError that lists the keys.
func (o *Outputs) Get(key string) (string, error) {
	var keys []string
	for _, output := range o.All() {
		if output.Key == key || output.Key == key+".url" || output.Key == key+".hub" {
			return output.Value, nil
		}
		keys = append(keys, output.Key)
	}
	return "", &RequestError{fmt.Errorf("hub %s has no output %q: want one of %s", o.Hub, key, strings.Join(keys, ", "))}
}
