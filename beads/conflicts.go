package beads

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/internal/helm"
)

// identity is what an object is, whatever the version of its kind.
type identity struct{ group, kind, namespace, name string }

func identify(object *unstructured.Unstructured) identity {
	kind := object.GroupVersionKind()
	return identity{kind.Group, kind.Kind, object.GetNamespace(), object.GetName()}
}

func (i identity) String() string {
	if i.namespace != "" {
		return i.kind + " " + i.namespace + "/" + i.name
	}
	return i.kind + " " + i.name
}

// owners says which objects a hub has, and whose they are.
type owners map[identity]string

// theHub is the owner of what is no Bead's.
const theHub = "the hub itself"

// newOwners returns what the hub's components and its Beads own, but the Beads that are left out.
func newOwners(tree render.Tree, all []Installed, without func(name string) bool) (owners, error) {
	owned := make(owners)
	if err := owned.addHub(tree); err != nil {
		return nil, err
	}
	for _, other := range all {
		if without(other.Name) {
			continue
		}
		objects, err := applied(other.Files)
		if err != nil {
			return nil, fmt.Errorf("reading Bead %s in hub.git: %w", other.Name, err)
		}
		for _, object := range objects {
			owned[identify(object)] = "Bead " + other.Name
		}
	}
	return owned, nil
}

// addHub adds what is not a Bead's: the components' objects, the Applications, the policies, and the namespaces.
func (o owners) addHub(tree render.Tree) error {
	var objects []*unstructured.Unstructured
	for _, component := range charts.Components() {
		if len(tree.Sub("components/"+component.Name)) == 0 {
			continue
		}
		rendered, err := render.Component(tree, component.Name)
		if err != nil {
			return err
		}
		objects = append(objects, rendered...)
	}
	apps, err := render.Applications(tree)
	if err != nil {
		return err
	}
	objects = append(objects, apps...)
	for name, content := range tree.Sub("policies") {
		if path.Ext(name) != ".yaml" {
			continue
		}
		object, err := helm.Object(content)
		if err != nil {
			return fmt.Errorf("reading policies/%s: %w", name, err)
		}
		objects = append(objects, object)
	}
	for _, object := range objects {
		o[identify(object)] = theHub
	}
	for _, name := range []string{
		"argocd", "crossplane-system", "kyverno", "requests", "default", "kube-system", "kube-public", "kube-node-lease",
	} {
		o[identity{kind: "Namespace", name: name}] = theHub
	}
	return nil
}

// applied returns the objects in a Bead's folder that Argo CD applies to the hub.
func applied(files bead.Files) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for name, content := range files.All() {
		if path.Ext(name) != ".yaml" || name == bead.FileName || name == spokesName || strings.HasSuffix(name, ".lock.yaml") ||
			strings.HasPrefix(name, "catalog/") || strings.HasPrefix(name, "spokes/") {
			continue
		}
		for _, document := range bead.Documents(string(content)) {
			object, err := helm.Object(document.Text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// conflicts returns an error that names each object of a Bead that is somebody else's, or that no Bead may bring. It adds
// the others to what is owned, as the Bead's.
func (o owners) conflicts(name string, manifests []bead.Manifest) error {
	var faults []error
	for _, m := range manifests {
		id := identify(m.Object)
		if owner, taken := o[id]; taken {
			faults = append(faults, fmt.Errorf("%s: %s belongs to %s: leave it out, or give it another name", m.Where(), id, owner))
			continue
		}
		if reason := forbidden(id); reason != "" {
			faults = append(faults, fmt.Errorf("%s: %s: %s", m.Where(), id, reason))
			continue
		}
		o[id] = "Bead " + name
	}
	return errors.Join(faults...)
}

// forbidden says why no Bead may bring an object; empty if one may. The AppProject beads says the same to Argo CD.
func forbidden(id identity) string {
	switch {
	case id.group == "" && id.kind == "Secret":
		return "a Secret's content does not belong in Git: name it in spec.secrets, and let a person or a controller make it"
	case id.group == "argoproj.io":
		return "Argo CD's own kinds are backstack's to make: want an application in application/"
	case id.kind == "CustomResourceDefinition", id.kind == "ClusterRoleBinding":
		return "a Bead may not bring this kind to a hub: want a CompositeResourceDefinition, or a ClusterRole that is aggregated"
	case id.namespace != "" && !strings.HasPrefix(id.namespace, "bead-"):
		return "want it in a namespace that begins with bead-"
	case id.namespace == "" && !slices.ContainsFunc(clusterWide(), id.matches):
		return "a Bead may not bring this kind to a hub, for it is cluster-wide: want it in a namespace, or on spokes"
	}
	return ""
}

// clusterWide are the cluster-wide kinds that the AppProject beads allows.
func clusterWide() []identity {
	return []identity{
		{kind: "Namespace"},
		{group: "rbac.authorization.k8s.io", kind: "ClusterRole"},
		{group: "apiextensions.crossplane.io", kind: "CompositeResourceDefinition"},
		{group: "apiextensions.crossplane.io", kind: "Composition"},
		{group: "apiextensions.crossplane.io", kind: "EnvironmentConfig"},
		{group: "apiextensions.crossplane.io", kind: "ManagedResourceActivationPolicy"},
		{group: "pkg.crossplane.io", kind: "*"},
		{group: "*", kind: "ProviderConfig"},
		{group: "*", kind: "ClusterProviderConfig"},
		{group: "policies.kyverno.io", kind: "*"},
	}
}

func (i identity) matches(allowed identity) bool {
	return (allowed.group == "*" || allowed.group == i.group) && (allowed.kind == "*" || allowed.kind == i.kind)
}
