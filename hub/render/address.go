package render

import (
	"fmt"

	"github.com/back-stack/backstack/hub/spec"
)

// Host is the name by which people reach the pages of a component, and empty if no ingress leads there. The hub is
// resolved.
func Host(h *spec.Hub, component string) string {
	if h.Spec.Ingress == nil {
		return ""
	}
	return component + "." + h.Spec.Ingress.Domain
}

// URL is where people reach the pages of a component, and where the cluster itself does if only forwarding a port leads
// there. The hub is resolved, and its ports are those that were chosen.
func URL(h *spec.Hub, component string) string {
	host := Host(h, component)
	switch {
	case h.Spec.Provider == spec.ProviderEmbedded && component == spec.Gitea:
		return fmt.Sprintf("https://127.0.0.1:%d", h.Spec.Embedded.Ports.Gitea)
	case h.Spec.Provider == spec.ProviderEmbedded:
		return fmt.Sprintf("https://127.0.0.1:%d", h.Spec.Embedded.Ports.ArgoCD)
	case host == "" && component == spec.Gitea:
		return GiteaService
	case host == "":
		return ArgoCDService
	case h.Spec.Kind != nil && h.Spec.Kind.Ports.HTTPS != 443:
		return fmt.Sprintf("https://%s:%d", host, h.Spec.Kind.Ports.HTTPS)
	}
	return "https://" + host
}

// Where the hub's own cluster reaches components that run as pods.
const (
	ArgoCDService = "http://argocd-server.argocd.svc"
	GiteaService  = "http://gitea.gitea.svc:3000"
)
