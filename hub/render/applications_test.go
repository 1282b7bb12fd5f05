package render

import (
	"path"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
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

func TestApplicationsApplyThemselves(t *testing.T) {
	embedded := []string{"argocd", "beads", "crossplane", "hub", "kyverno", "policies", "requests"}
	for hubName, test := range map[string]struct {
		h    *spec.Hub
		want []string
	}{
		"an embedded hub":            {demo(), embedded},
		"a hub on kind":              {demo(onKind), append([]string{"gitea", "traefik"}, embedded...)},
		"a hub on someone's cluster": {demo(onExisting), append([]string{"gitea"}, embedded...)},
	} {
		t.Run(hubName, func(t *testing.T) { checkApplications(t, applications(t, hub(t, test.h)), test.want) })
	}
}

func checkApplications(t *testing.T, all map[string]*application, want []string) {
	t.Helper()
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

func TestPoliciesAreThoseOfTheirApplication(t *testing.T) {
	tree := hub(t, demo())
	objects, err := Policies(tree)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range objects {
		name := object.GetName()
		names = append(names, name)
		want := "policies:policies.kyverno.io/ValidatingPolicy:kyverno/" + name
		if got := object.GetAnnotations()[trackingAnnotation]; got != want {
			t.Errorf("the policy %s is marked as %q, want %q", name, got, want)
		}
	}
	for _, want := range []string{"pod-security-seccomp", "single-tenant"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no policy %s among %q", want, names)
		}
	}
	files := 0
	for path := range tree.Sub("policies").All() {
		if strings.HasSuffix(path, ".yaml") {
			files++
		}
	}
	if len(objects) != files {
		t.Errorf("there are %d policies in %d files", len(objects), files)
	}
	tree["policies/broken.yaml"] = []byte("kind: [")
	if _, err := Policies(tree); err == nil || !strings.Contains(err.Error(), "policies/broken.yaml") {
		t.Errorf("got %v, want an error that names the file", err)
	}
	without := hub(t, demo(func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{spec.Kyverno: {Enabled: new(bool)}}
	}))
	if objects, err := Policies(without); err != nil || len(objects) > 0 {
		t.Errorf("without Kyverno there are %d policies, %v; want none", len(objects), err)
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
	for hubName, h := range everyHub() {
		tree := hub(t, h)
		all := projects(t, tree)
		for name, a := range applications(t, tree) {
			p, ok := all[a.Spec.Project]
			if !ok {
				t.Errorf("%s: %s is of project %q: want one that there is", hubName, name, a.Spec.Project)
				continue
			}
			if !slices.Contains(p.Spec.SourceRepos, a.Spec.Source.RepoURL) {
				t.Errorf("%s: %s comes from %s: want one of %s", hubName, name, a.Spec.Source.RepoURL, p.Spec.SourceRepos)
			}
			if !slices.ContainsFunc(p.Spec.Destinations, func(d destination) bool {
				return matches(d.Namespace, a.Spec.Destination.Namespace)
			}) {
				t.Errorf("%s: %s goes to namespace %s: want one of %v", hubName, name, a.Spec.Destination.Namespace,
					p.Spec.Destinations)
			}
		}
	}
}

// Argo CD renders a component's Application into the namespace for which the component was rendered here.
func TestComponentsGoToTheirNamespaces(t *testing.T) {
	all := applications(t, hub(t, demo(onKind)))
	for _, component := range charts.Components() {
		got := all[component.Name].Spec
		if got.Destination.Namespace != component.Namespace || got.Source.Path != componentDir(component.Name) {
			t.Errorf("%s goes from %s to namespace %s: want %s to %s", component.Name, got.Source.Path,
				got.Destination.Namespace, componentDir(component.Name), component.Namespace)
		}
	}
}

func TestTheHubsHealthIsNotThatOfWhatPeopleAskedFor(t *testing.T) {
	for name, a := range applications(t, hub(t, demo())) {
		ignored := a.Metadata.Annotations["argocd.argoproj.io/ignore-healthcheck"] == "true"
		if want := name == "requests"; ignored != want {
			t.Errorf("the root leaves the health of %s out: %v, want %v", name, ignored, want)
		}
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
