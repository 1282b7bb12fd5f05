package render

import (
	"fmt"
	"slices"

	"github.com/back-stack/backstack/hub/spec"
)

// view is what the templates of the repositories see of a hub.
type view struct {
	Name         string
	URL          string            // where Argo CD is reached
	Repositories spec.Repositories // both URLs
	Crossplane   bool
	Gitea        bool // as pods; where it is a process, its chart is not in the repository
	Kyverno      bool
	Traefik      bool
	Pods         bool // whether components run as pods

	Mode          spec.Mode
	Action        string   // what a policy does about what it is against
	FailurePolicy string   // what becomes of a request while Kyverno does not answer
	Namespaces    []string // which may be made without being a Bead's, sorted; those named kube-* come on top
}

// newView checks the hub and looks at it.
func newView(h *spec.Hub) (*view, error) {
	if err := check(h); err != nil {
		return nil, err
	}
	v := &view{
		Name:         h.Metadata.Name,
		URL:          URL(h, spec.ArgoCD),
		Repositories: *h.Spec.Repositories,
		Crossplane:   enabled(h, spec.Crossplane),
		Gitea:        enabled(h, spec.Gitea) && h.Spec.Provider.Pods(),
		Kyverno:      enabled(h, spec.Kyverno),
		Traefik:      enabled(h, spec.Traefik),
		Pods:         h.Spec.Provider.Pods(),
		Mode:         h.Spec.Policies.Mode,
		Namespaces:   append(ownNamespaces(h), h.Spec.Policies.Namespaces...),
	}
	slices.Sort(v.Namespaces)
	v.Namespaces = slices.Compact(v.Namespaces)
	switch v.Mode {
	case spec.ModeEnforce:
		// What can be passed by stopping a program is no rule.
		v.Action, v.FailurePolicy = "Deny", "Fail"
	case spec.ModeAudit:
		// What only reports must not hold up anything; what it missed is found when Kyverno looks through the cluster.
		v.Action, v.FailurePolicy = "Audit", "Ignore"
	default:
		return nil, fmt.Errorf("spec.policies.mode is %q: want %s or %s", v.Mode, spec.ModeAudit, spec.ModeEnforce)
	}
	return v, nil
}

// ownNamespaces are those of a hub's own components, whether it has them all or not; but where Traefik is not the
// hub's, its namespace is not either.
func ownNamespaces(h *spec.Hub) []string {
	own := []string{"argocd", "backstage", "crossplane-system", "default", "gitea", "kyverno", "requests"}
	if enabled(h, spec.Traefik) {
		own = append(own, "traefik")
	}
	return own
}
