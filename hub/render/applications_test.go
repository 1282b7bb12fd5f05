package render

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
)

// application is an Application, or what an ApplicationSet makes them of.
type application struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Finalizers  []string          `json:"finalizers"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		Project string `json:"project"`
		Source  struct {
			RepoURL   string `json:"repoURL"`
			Path      string `json:"path"`
			Directory struct {
				Include string `json:"include"`
			} `json:"directory"`
		} `json:"source"`
		Destination destination `json:"destination"`
		SyncPolicy  struct {
			Automated struct {
				Prune      bool `json:"prune"`
				SelfHeal   bool `json:"selfHeal"`
				AllowEmpty bool `json:"allowEmpty"`
			} `json:"automated"`
			SyncOptions []string `json:"syncOptions"`
			Retry       struct {
				Limit   int  `json:"limit"`
				Refresh bool `json:"refresh"`
			} `json:"retry"`
		} `json:"syncPolicy"`
		Template *application `json:"template"`
	} `json:"spec"`
}

type destination struct {
	Server    string `json:"server"`
	Namespace string `json:"namespace"`
}

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

// permits says whether the project lets an Application apply an object of a kind, in a namespace or cluster-wide if that
// is empty. It is what Argo CD does: a list of allowed cluster-wide kinds allows nothing if it is empty, one of allowed
// namespaced kinds everything.
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
	return slices.ContainsFunc(list, func(k groupKind) bool { return matches(k.Group, kind.Group) && matches(k.Kind, kind.Kind) })
}

func matches(pattern, text string) bool {
	ok, err := path.Match(pattern, text)
	return err == nil && ok
}

// applications returns the Applications of a tree by name; that of the Beads is what the ApplicationSet makes them of.
func applications(t *testing.T, tree Tree) map[string]*application {
	t.Helper()
	found := make(map[string]*application)
	for path, content := range tree.Sub("apps").All() {
		a := new(application)
		if err := yaml.Unmarshal(content, a); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if want := a.Metadata.Name + ".yaml"; path != want {
			t.Errorf("apps/%s holds %s: want it in apps/%s", path, a.Metadata.Name, want)
		}
		if template := a.Spec.Template; template != nil {
			a.Spec = template.Spec
			a.Metadata.Finalizers = template.Metadata.Finalizers
		}
		found[a.Metadata.Name] = a
	}
	return found
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

func TestApplicationsApplyThemselves(t *testing.T) {
	all := applications(t, hub(t, demo()))
	want := []string{"argocd", "beads", "crossplane", "hub", "kyverno", "policies", "requests"}
	for _, name := range want {
		a, ok := all[name]
		if !ok {
			t.Errorf("there is no Application %s", name)
			continue
		}
		policy := a.Spec.SyncPolicy
		if !policy.Automated.Prune || !policy.Automated.SelfHeal {
			t.Errorf("%s does not prune and heal by itself", name)
		}
		if !slices.Contains(policy.SyncOptions, "ServerSideApply=true") {
			t.Errorf("%s is not applied by the server", name)
		}
		if policy.Retry.Limit == 0 || !policy.Retry.Refresh {
			t.Errorf("%s does not try again, with what is in Git by then", name)
		}
		if a.Spec.Destination.Server != "https://kubernetes.default.svc" {
			t.Errorf("%s goes to %s: want this cluster", name, a.Spec.Destination.Server)
		}
	}
	if len(all) != len(want) {
		t.Errorf("there are %d Applications: want %d", len(all), len(want))
	}
}

func TestOnlyBeadsTakeWhatTheyBroughtWithThem(t *testing.T) {
	for name, a := range applications(t, hub(t, demo())) {
		if got, want := len(a.Metadata.Finalizers) > 0, name == "beads"; got != want {
			t.Errorf("deleting Application %s deletes what it applied: %v, want %v", name, got, want)
		}
	}
}

func TestOnlyRequestsMayBecomeEmpty(t *testing.T) {
	for name, a := range applications(t, hub(t, demo())) {
		if got, want := a.Spec.SyncPolicy.Automated.AllowEmpty, name == "requests"; got != want {
			t.Errorf("all of Application %s can be taken away at once: %v, want %v", name, got, want)
		}
	}
}

func TestPoliciesComeAfterKyvernoAndBeforeWhatTheyAreFor(t *testing.T) {
	all := applications(t, hub(t, demo()))
	wave := func(name string) string { return all[name].Metadata.Annotations["argocd.argoproj.io/sync-wave"] }
	for _, order := range [][2]string{
		{"argocd", "policies"}, {"kyverno", "policies"}, {"policies", "requests"}, {"policies", "beads"},
		{"crossplane", "requests"}, {"crossplane", "beads"},
	} {
		if !(wave(order[0]) < wave(order[1])) {
			t.Errorf("%s is in wave %s and %s in wave %s: want it before", order[0], wave(order[0]), order[1], wave(order[1]))
		}
	}
}

func TestApplicationsStayWithinTheirProjects(t *testing.T) {
	tree := hub(t, demo())
	all := projects(t, tree)
	for name, a := range applications(t, tree) {
		p, ok := all[a.Spec.Project]
		if !ok {
			t.Errorf("%s is of project %q: want one that there is", name, a.Spec.Project)
			continue
		}
		if !slices.Contains(p.Spec.SourceRepos, a.Spec.Source.RepoURL) {
			t.Errorf("%s comes from %s: want one of %s", name, a.Spec.Source.RepoURL, p.Spec.SourceRepos)
		}
		if !slices.ContainsFunc(p.Spec.Destinations, func(d destination) bool {
			return matches(d.Namespace, a.Spec.Destination.Namespace)
		}) {
			t.Errorf("%s goes to namespace %s: want one of %v", name, a.Spec.Destination.Namespace, p.Spec.Destinations)
		}
	}
}

func TestTheHubsProjectPermitsTheHub(t *testing.T) {
	tree := hub(t, demo(enforcing))
	p := projects(t, tree)["hub"]
	for _, component := range charts.Components() {
		objects, err := Component(tree, component.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			kind := groupKind{o.GroupVersionKind().Group, o.GetKind()}
			if !p.permits(kind, o.GetNamespace()) {
				t.Errorf("it does not permit %s %s of component %s", o.GetKind(), o.GetName(), component.Name)
			}
		}
	}
	for _, kind := range []groupKind{{"argoproj.io", "Application"}, {"argoproj.io", "ApplicationSet"}} {
		if !p.permits(kind, "argocd") {
			t.Errorf("it does not permit %s", kind.Kind)
		}
	}
	for _, kind := range []groupKind{{"policies.kyverno.io", "ValidatingPolicy"}, {"apiextensions.crossplane.io", "Composition"}} {
		if !p.permits(kind, "") {
			t.Errorf("it does not permit %s", kind.Kind)
		}
	}
	for _, refused := range []struct {
		kind      groupKind
		namespace string
	}{
		{groupKind{"", "Secret"}, "argocd"},
		{groupKind{"", "Pod"}, "argocd"},
		{groupKind{"", "ConfigMap"}, "kube-system"},
		{groupKind{"", "Namespace"}, ""},
		{groupKind{"apiextensions.k8s.io", "CustomResourceDefinition"}, ""},
	} {
		if p.permits(refused.kind, refused.namespace) {
			t.Errorf("it permits %s in %q", refused.kind.Kind, refused.namespace)
		}
	}
}

func TestRequestsArePermittedOnlyWhatThePlatformOffers(t *testing.T) {
	p := projects(t, hub(t, demo()))["requests"]
	for _, kind := range []groupKind{{"backstack.dev", "Cluster"}, {"apps.backstack.dev", "Application"}} {
		if !p.permits(kind, "requests") {
			t.Errorf("it does not permit %s of %s", kind.Kind, kind.Group)
		}
	}
	for _, refused := range []struct {
		kind      groupKind
		namespace string
	}{
		{groupKind{"backstack.dev", "Cluster"}, "argocd"},
		{groupKind{"backstack.dev", "Cluster"}, ""},
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

func TestRequestsAreReadFromTheirTwoFolders(t *testing.T) {
	include := applications(t, hub(t, demo()))["requests"].Spec.Source.Directory.Include
	for dir := range strings.SplitSeq(strings.Trim(include, "{}"), ",") {
		readme := path.Dir(dir) + "/README.md"
		if requests(t, demo())[readme] == nil {
			t.Errorf("the requests repository has no %s, though the Application reads that folder", readme)
		}
	}
}

func TestTheRootIsTrackedByItself(t *testing.T) {
	root, err := RootApplication(hub(t, demo()))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := root.GetAnnotations()[trackingAnnotation], "hub:argoproj.io/Application:argocd/hub"; got != want {
		t.Errorf("its tracking ID is %q: want %q", got, want)
	}
}

func TestARootOfAnotherNameIsRefused(t *testing.T) {
	tree := hub(t, demo())
	tree["apps/hub.yaml"] = tree["apps/argocd.yaml"]
	_, err := RootApplication(tree)
	if want := "it is Application argocd/argocd: want Application argocd/hub"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}

func TestObjectsAreTrackedAsArgoCDTracksThem(t *testing.T) {
	tree := hub(t, demo())
	for _, test := range []struct{ component, kind, name, want string }{
		{"argocd", "ConfigMap", "argocd-cm", "argocd:/ConfigMap:argocd/argocd-cm"},
		// Cluster-wide objects have the namespace of the Application's destination.
		{"argocd", "ClusterRole", "argocd-server", "argocd:rbac.authorization.k8s.io/ClusterRole:argocd/argocd-server"},
		{"crossplane", "Function", "function-auto-ready",
			"crossplane:pkg.crossplane.io/Function:crossplane-system/function-auto-ready"},
	} {
		object := find(t, tree, test.component, test.kind, test.name)
		got := object["metadata"].(map[string]any)["annotations"].(map[string]any)[trackingAnnotation]
		if got != test.want {
			t.Errorf("the tracking ID of %s %s is %v: want %s", test.kind, test.name, got, test.want)
		}
	}
}

func TestObjectsComeInTheOrderOfInstallation(t *testing.T) {
	objects, err := Component(hub(t, demo()), "argocd")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, object := range objects {
		kinds = append(kinds, object.GetKind())
	}
	want := []string{"ServiceAccount", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "AppProject"}
	if got := slices.Compact(kinds); !slices.Equal(got, want) {
		t.Errorf("the kinds come as %s: want %s", got, want)
	}
}

func TestAComponentWithoutAChartIsRefused(t *testing.T) {
	_, err := Component(hub(t, demo()), "gitea")
	if want := `component "gitea"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to name %s", err, want)
	}
}

func TestAChartThatDoesNotRenderSaysWhere(t *testing.T) {
	tree := hub(t, demo())
	tree["components/kyverno/templates/broken.yaml"] = []byte("{{ .Values.nothing.at.all }}")
	_, err := Chart(tree, "components/kyverno", "kyverno")
	if err == nil || !strings.Contains(fmt.Sprint(err), "components/kyverno: template: kyverno/templates/broken.yaml:1") {
		t.Errorf("the error is %v: want it to name the file and line", err)
	}
}
