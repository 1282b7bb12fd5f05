package render

import (
	"testing"

	"github.com/back-stack/backstack/hub/spec"
)

func TestWherePagesAre(t *testing.T) {
	ingress := func(h *spec.Hub) { h.Spec.Ingress = &spec.Ingress{Class: "nginx", Domain: "hub.example.com"} }
	off := false
	withoutTraefik := func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"traefik": {Enabled: &off}}
	}
	standard := demo(onKind)
	standard.Spec.Kind.Ports.HTTPS = 443
	for _, test := range []struct {
		name          string
		h             *spec.Hub
		argocd, gitea string
	}{
		{"an embedded hub", demo(), "https://127.0.0.1:8080", "https://127.0.0.1:3000"},
		{"a hub on kind", demo(onKind), "https://argocd.demo.localhost:8443", "https://gitea.demo.localhost:8443"},
		{"a hub on kind at HTTPS's own port", standard, "https://argocd.demo.localhost", "https://gitea.demo.localhost"},
		{"a hub on kind with a domain", demo(onKind, ingress), "https://argocd.hub.example.com:8443",
			"https://gitea.hub.example.com:8443"},
		{"a hub on kind without an ingress", demo(onKind, withoutTraefik), ArgoCDService, GiteaService},
		{"a hub on someone's cluster", demo(onExisting), ArgoCDService, GiteaService},
		{"a hub behind someone's ingress", demo(onExisting, ingress), "https://argocd.hub.example.com",
			"https://gitea.hub.example.com"},
	} {
		if got := URL(test.h, spec.ArgoCD); got != test.argocd {
			t.Errorf("%s: Argo CD is at %s: want %s", test.name, got, test.argocd)
		}
		if got := URL(test.h, spec.Gitea); got != test.gitea {
			t.Errorf("%s: Gitea is at %s: want %s", test.name, got, test.gitea)
		}
	}
}

// The addresses in the code are those of the Services in the charts.
func TestComponentsAreReachedByTheirServices(t *testing.T) {
	service := find(t, hub(t, demo(onExisting)), "gitea", "Service", "gitea")
	ports := service["spec"].(map[string]any)["ports"].([]any)
	if port := ports[0].(map[string]any)["port"]; service["metadata"].(map[string]any)["namespace"] != "gitea" ||
		port != int64(3000) {
		t.Errorf("Gitea's Service is %v: want it at %s", service, GiteaService)
	}
}
