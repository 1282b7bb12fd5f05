// Package render makes the files of a hub's two repositories. What it makes is a pure function of a resolved hub.yaml
// and of the version of backstack: the same bytes each time, without a cluster, a clock or chance. It also renders
// the charts among those files the way Argo CD will, so that what the installer applies first Argo CD finds in place.
package render

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

// Hub returns the files of hub.git. The hub is resolved, and says where it can be reached: its repositories' URLs
// and the ports that were chosen. archives are upstream's charts, of each component for which UpstreamOf names one.
func Hub(h *spec.Hub, archives Archives) (Tree, error) {
	view, err := newView(h)
	if err != nil {
		return nil, fmt.Errorf("rendering the repository of hub %q: %w", h.Metadata.Name, err)
	}
	tree, err := execute("templates/hub", view)
	if err != nil {
		return nil, err
	}
	for path := range tree {
		if !belongs(path, view) {
			delete(tree, path)
		}
	}
	for _, component := range charts.Components() {
		if !enabled(h, component.Name) || component.Pods && !view.Pods {
			continue
		}
		if err := addComponent(tree, component.Name, view, h, archives); err != nil {
			return nil, err
		}
	}
	tree["hub.yaml"], err = describe(h)
	return tree, err
}

// Requests returns the files of requests.git. The hub is as Hub wants it.
func Requests(h *spec.Hub) (Tree, error) {
	view, err := newView(h)
	if err != nil {
		return nil, fmt.Errorf("rendering the requests repository of hub %q: %w", h.Metadata.Name, err)
	}
	return execute("templates/requests", view)
}

// describe returns hub.yaml. Where a hub's own Gitea has its repositories follows from the rest, and is left out as a
// person would leave it out.
func describe(h *spec.Hub) ([]byte, error) {
	written := *h
	if enabled(h, spec.Gitea) {
		written.Spec.Repositories = nil
	}
	return spec.Marshal(&written)
}

// belongs says whether a file is for the components that the hub has.
func belongs(path string, v *view) bool {
	switch {
	case strings.HasPrefix(path, "policies/"), path == "apps/policies.yaml", path == "apps/kyverno.yaml":
		return v.Kyverno
	case path == "apps/crossplane.yaml":
		return v.Crossplane
	case path == "apps/gitea.yaml":
		return v.Gitea
	case path == "apps/traefik.yaml":
		return v.Traefik
	}
	return true
}

// enabled says whether the hub has a component.
func enabled(h *spec.Hub, component string) bool {
	on := h.Spec.Components[component].Enabled
	return on != nil && *on
}

// check returns everything that keeps the hub from being rendered.
func check(h *spec.Hub) error {
	var faults []error
	if r := h.Spec.Repositories; r == nil || r.Hub == "" || r.Requests == "" {
		faults = append(faults, errors.New("spec.repositories is not resolved: want the URLs of both repositories"))
	}
	if e := h.Spec.Embedded; h.Spec.Provider == spec.ProviderEmbedded && (e == nil || e.Ports.ArgoCD == 0) {
		faults = append(faults, errors.New("spec.embedded.ports.argocd is not resolved: want the port that was chosen"))
	}
	if k := h.Spec.Kind; h.Spec.Provider == spec.ProviderKind && (k == nil || k.Ports.HTTPS == 0) {
		faults = append(faults, errors.New("spec.kind.ports.https is not resolved: want the port that was chosen"))
	}
	for name := range h.Spec.Components {
		if !slices.Contains(spec.Components(), name) {
			faults = append(faults, fmt.Errorf("spec.components.%s is no component: want one of %s", name,
				strings.Join(spec.Components(), ", ")))
		}
	}
	if !enabled(h, spec.ArgoCD) {
		faults = append(faults, errors.New("spec.components.argocd is not enabled: want true, it applies everything else"))
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}
