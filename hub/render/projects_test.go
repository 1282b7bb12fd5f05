package render

import (
	"path"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"
)

type groupKind struct {
	Group string `json:"group"`
	Kind  string `json:"kind"`
}

// project is an AppProject.
type project struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		SourceRepos                []string      `json:"sourceRepos"`
		Destinations               []destination `json:"destinations"`
		ClusterResourceWhitelist   []groupKind   `json:"clusterResourceWhitelist"`
		NamespaceResourceWhitelist []groupKind   `json:"namespaceResourceWhitelist"`
		NamespaceResourceBlacklist []groupKind   `json:"namespaceResourceBlacklist"`
	} `json:"spec"`
}

// permits says whether the project lets an Application apply an object of a kind, in a namespace or cluster-wide if
// that is empty. It is what Argo CD does: a list of allowed cluster-wide kinds allows nothing if it is empty, one of
// allowed namespaced kinds everything.
func (p *project) permits(kind groupKind, namespace string) bool {
	if namespace == "" {
		return contains(p.Spec.ClusterResourceWhitelist, kind)
	}
	if !slices.ContainsFunc(p.Spec.Destinations, func(d destination) bool { return matches(d.Namespace, namespace) }) {
		return false
	}
	allowed := p.Spec.NamespaceResourceWhitelist
	return (allowed == nil || contains(allowed, kind)) && !contains(p.Spec.NamespaceResourceBlacklist, kind)
}

func contains(list []groupKind, kind groupKind) bool {
	return slices.ContainsFunc(list, func(k groupKind) bool {
		return matches(k.Group, kind.Group) && matches(k.Kind, kind.Kind)
	})
}

func matches(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return err == nil && ok
}

// projects returns the AppProjects of a tree, by name.
func projects(t *testing.T, tree Tree) map[string]*project {
	t.Helper()
	objects, err := Component(tree, "argocd")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]*project)
	for _, object := range objects {
		if object.GetKind() != "AppProject" {
			continue
		}
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		p := new(project)
		if err := yaml.Unmarshal(text, p); err != nil {
			t.Fatal(err)
		}
		found[p.Metadata.Name] = p
	}
	return found
}

func TestTheHubsProjectPermitsTheHub(t *testing.T) {
	for name, h := range everyHub() {
		tree := hub(t, h)
		p := projects(t, tree)["hub"]
		for component, objects := range components(t, tree) {
			for _, o := range objects {
				kind := groupKind{o.GroupVersionKind().Group, o.GetKind()}
				if !p.permits(kind, o.GetNamespace()) {
					t.Errorf("%s: it does not permit %s %s of component %s", name, o.GetKind(), o.GetName(), component)
				}
			}
		}
		for _, kind := range []groupKind{{"argoproj.io", "Application"}, {"argoproj.io", "ApplicationSet"}} {
			if !p.permits(kind, "argocd") {
				t.Errorf("%s: it does not permit %s", name, kind.Kind)
			}
		}
		for _, kind := range []groupKind{
			{"policies.kyverno.io", "ValidatingPolicy"}, {"apiextensions.crossplane.io", "Composition"},
		} {
			if !p.permits(kind, "") {
				t.Errorf("%s: it does not permit %s", name, kind.Kind)
			}
		}
		for _, refused := range []placed{
			{groupKind{"", "Pod"}, "argocd"}, {groupKind{"", "ConfigMap"}, "kube-system"}, {groupKind{"", "Namespace"}, ""},
			{groupKind{"apps", "Deployment"}, "kube-system"}, {groupKind{"apps", "DaemonSet"}, "argocd"},
			{groupKind{"", "ConfigMap"}, "bead-a"},
		} {
			if p.permits(refused.kind, refused.namespace) {
				t.Errorf("%s: it permits %s in %q", name, refused.kind.Kind, refused.namespace)
			}
		}
	}
}

// placed is a kind in a namespace, or cluster-wide if that is empty.
type placed struct {
	kind      groupKind
	namespace string
}

// The kinds are those of upstream's charts, which are not there to be rendered: Argo CD's, Crossplane's and Kyverno's.
func TestWhatPodsAreMadeOfIsPermittedWhereThereArePods(t *testing.T) {
	upstream := []placed{
		{groupKind{"apiextensions.k8s.io", "CustomResourceDefinition"}, ""},
		{groupKind{"", "Secret"}, "crossplane-system"}, {groupKind{"", "Service"}, "argocd"},
		{groupKind{"apps", "Deployment"}, "kyverno"}, {groupKind{"apps", "StatefulSet"}, "argocd"},
		{groupKind{"networking.k8s.io", "NetworkPolicy"}, "argocd"},
		// Not of one replica and without hooks, but a hub.yaml may ask for more.
		{groupKind{"policy", "PodDisruptionBudget"}, "kyverno"}, {groupKind{"batch", "Job"}, "kyverno"},
	}
	for name, h := range everyHub() {
		p := projects(t, hub(t, h))["hub"]
		for _, o := range upstream {
			if got, want := p.permits(o.kind, o.namespace), h.Spec.Provider.Pods(); got != want {
				t.Errorf("%s: whether it permits %s in %q is %v: want %v", name, o.kind.Kind, o.namespace, got, want)
			}
		}
	}
}

func TestRequestsArePermittedOnlyWhatThePlatformOffers(t *testing.T) {
	p := projects(t, hub(t, demo()))["requests"]
	for _, kind := range []groupKind{{"backstack.dev", "Cluster"}, {"apps.backstack.dev", "Application"}} {
		for _, namespace := range []string{"requests", ""} {
			if !p.permits(kind, namespace) {
				t.Errorf("it does not permit %s of %s in %q", kind.Kind, kind.Group, namespace)
			}
		}
	}
	for _, refused := range []struct {
		kind      groupKind
		namespace string
	}{
		{groupKind{"backstack.dev", "Cluster"}, "argocd"},
		{groupKind{"", "Secret"}, "requests"},
		{groupKind{"", "ConfigMap"}, "requests"},
		{groupKind{"rbac.authorization.k8s.io", "RoleBinding"}, "requests"},
		{groupKind{"rbac.authorization.k8s.io", "ClusterRoleBinding"}, ""},
		{groupKind{"argoproj.io", "Application"}, "requests"},
		{groupKind{"argoproj.io", "Application"}, "argocd"},
		{groupKind{"", "Namespace"}, ""},
		{groupKind{"evilbackstack.dev", "Cluster"}, "requests"},
	} {
		if p.permits(refused.kind, refused.namespace) {
			t.Errorf("it permits %s of %q in %q", refused.kind.Kind, refused.kind.Group, refused.namespace)
		}
	}
}

func TestBeadsArePermittedToExtendThePlatformAndNotToChangeTheHub(t *testing.T) {
	p := projects(t, hub(t, demo()))["beads"]
	for _, kind := range []groupKind{
		{"", "Namespace"}, {"apiextensions.crossplane.io", "CompositeResourceDefinition"}, {"pkg.crossplane.io", "Provider"},
		{"gcp.upbound.io", "ProviderConfig"}, {"policies.kyverno.io", "ValidatingPolicy"},
		{"rbac.authorization.k8s.io", "ClusterRole"},
	} {
		if !p.permits(kind, "") {
			t.Errorf("it does not permit %s", kind.Kind)
		}
	}
	if !p.permits(groupKind{"apps", "Deployment"}, "bead-metrics") {
		t.Error("it does not permit a Deployment in a Bead's namespace")
	}
	for _, refused := range []struct {
		kind      groupKind
		namespace string
	}{
		{groupKind{"", "Secret"}, "bead-metrics"},
		{groupKind{"argoproj.io", "Application"}, "bead-metrics"},
		{groupKind{"argoproj.io", "Application"}, "argocd"},
		{groupKind{"", "ConfigMap"}, "argocd"},
		{groupKind{"", "ConfigMap"}, "kyverno"},
		{groupKind{"policies.kyverno.io", "PolicyException"}, "kyverno"},
		{groupKind{"rbac.authorization.k8s.io", "ClusterRoleBinding"}, ""},
	} {
		if p.permits(refused.kind, refused.namespace) {
			t.Errorf("it permits %s in %q", refused.kind.Kind, refused.namespace)
		}
	}
}

// Argo CD makes this project if it is missing, and then it permits everything.
func TestTheDefaultProjectPermitsNothing(t *testing.T) {
	p := projects(t, hub(t, demo()))["default"]
	if len(p.Spec.SourceRepos) > 0 || len(p.Spec.Destinations) > 0 || p.permits(groupKind{"", "ConfigMap"}, "argocd") {
		t.Errorf("it permits something: %+v", p.Spec)
	}
}
