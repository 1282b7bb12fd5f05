package library

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest"
	"github.com/back-stack/backstack/beads/lint"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// services are the Beads by which people ask for something.
func services() []string { return []string{"eks", "gke", "namespace"} }

// loadService loads a Bead of the library.
func loadService(t *testing.T, name string) *bead.Folder {
	t.Helper()
	folder, err := fs.Sub(FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	files, err := artifact.ReadFS(folder)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := bead.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// renderService renders a Bead of the library for a hub.
func renderService(t *testing.T, name string, hub bead.Hub, given map[string]any) *bead.Rendered {
	t.Helper()
	loaded := loadService(t, name)
	values, err := loaded.Values(given, "parameters")
	if err != nil {
		t.Fatal(err)
	}
	out, err := loaded.Render(context.Background(), hub, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// hubOf is a hub whose repository of requests is at url.
func hubOf(url string, pods bool) bead.Hub {
	return bead.Hub{Name: "lab", Pods: pods, URL: "https://git.example/platform/hub.git", Requests: url}
}

// schemasVariable is the environment variable with a folder of the providers' CustomResourceDefinitions, which are not part
// of the project. With it, what gke and eks compose is checked field by field.
const schemasVariable = "BACKSTACK_TEST_SCHEMAS"

func TestLintFindsNothingInServices(t *testing.T) {
	var options lint.Options
	if dir := os.Getenv(schemasVariable); dir != "" {
		options.Schemas = os.DirFS(dir)
	}
	for _, name := range services() {
		findings, err := lint.Lint(context.Background(), loadService(t, name).Files, options)
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range findings {
			if finding.Severity == lint.Error {
				t.Errorf("%s: %s", name, finding)
			}
		}
	}
}

func TestTestsOfTemplatesOfServicesPass(t *testing.T) {
	for _, name := range services() {
		result, err := beadtest.Run(context.Background(), beadtest.Options{
			Folder: loadService(t, name), Only: regexp.MustCompile("^template$"), Timeout: time.Minute,
		}, report.Discard)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range result.Tests {
			for _, failure := range test.Failures {
				t.Errorf("%s: %s: %s", name, test.Name, failure)
			}
		}
		if result.Passed == 0 {
			t.Errorf("%s has no test of its template that passes", name)
		}
	}
}

func TestTemplatesOpenPullRequestsWhereRequestsAreKept(t *testing.T) {
	for url, want := range map[string][]string{
		"https://github.com/acme/requests.git": {
			"action: publish:github:pull-request\n", "repoUrl: github.com?owner=acme&repo=requests\n",
		},
		"https://127.0.0.1:3000/backstack/requests.git": {
			"action: publish:gitea:pull-request\n", "repoUrl: 127.0.0.1:3000?owner=backstack&repo=requests\n",
		},
	} {
		for _, name := range services() {
			catalog := renderService(t, name, hubOf(url, false), nil).Catalog
			text := string(catalog[name+"/template.yaml"])
			for _, part := range want {
				if !strings.Contains(text, part) {
					t.Errorf("%s with requests in %s: want %q in its template, got:\n%s", name, url, part, text)
				}
			}
		}
	}
}

func TestProvidersAreForHubsThatRunPods(t *testing.T) {
	const url = "https://git.example/platform/requests.git"
	for _, test := range []struct {
		bead  string
		pods  bool
		given map[string]any
		want  []string
	}{
		{"eks", false, nil, nil},
		{"eks", true, nil, []string{"ClusterProviderConfig", "Provider", "Provider", "Provider"}},
		{"gke", false, map[string]any{"project": "acme-dev"}, nil},
		{"gke", true, nil, []string{"Provider", "Provider", "Provider"}},
		{"gke", true, map[string]any{"project": "acme-dev"},
			[]string{"ClusterProviderConfig", "Provider", "Provider", "Provider"}},
	} {
		var got []string
		for _, manifest := range renderService(t, test.bead, hubOf(url, test.pods), test.given).Objects() {
			if kind := manifest.Object.GetKind(); strings.Contains(kind, "Provider") {
				got = append(got, kind)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s, pods %t, %v: got %q, want %q", test.bead, test.pods, test.given, got, test.want)
		}
	}
}

func TestCrossplaneMayComposeWhatServicesAreMadeOf(t *testing.T) {
	for _, name := range services() {
		var composed []string
		allowed := make(map[string]bool)
		defined := make(map[string]bool) // Crossplane gives itself the right to the kinds that it defines
		for _, manifest := range renderService(t, name, hubOf("https://git.example/a/b.git", false), nil).Objects() {
			object := manifest.Object
			switch object.GetKind() {
			case "Composition":
				composed = append(composed, composedBy(t, object)...)
			case "CompositeResourceDefinition":
				defined[object.GetName()] = true
			case "ClusterRole":
				if object.GetLabels()["rbac.crossplane.io/aggregate-to-crossplane"] == "true" {
					allow(t, object, allowed)
				}
			}
		}
		if len(composed) == 0 {
			t.Errorf("%s composes nothing", name)
		}
		for _, resource := range composed {
			if !allowed[resource] && !defined[resource] {
				t.Errorf("%s composes %s, and its ClusterRole does not allow Crossplane to", name, resource)
			}
		}
	}
}

// composedBy lists what a composition composes, as RESOURCE.GROUP.
func composedBy(t *testing.T, composition *unstructured.Unstructured) []string {
	t.Helper()
	var found []string
	steps, _, err := unstructured.NestedSlice(composition.Object, "spec", "pipeline")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		resources, _, err := unstructured.NestedSlice(step.(map[string]any), "input", "resources")
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range resources {
			base := unstructured.Unstructured{Object: resource.(map[string]any)["base"].(map[string]any)}
			found = append(found, plural(base.GetKind())+"."+base.GroupVersionKind().Group)
		}
	}
	return found
}

// plural is what a kind is called in URLs.
func plural(kind string) string {
	lower := strings.ToLower(kind)
	if stem, ok := strings.CutSuffix(lower, "y"); ok && !strings.HasSuffix(stem, "a") {
		return stem + "ies"
	}
	return lower + "s"
}

// allow adds what a role lets Crossplane create, change and delete, as RESOURCE.GROUP.
func allow(t *testing.T, role *unstructured.Unstructured, allowed map[string]bool) {
	t.Helper()
	rules, _, err := unstructured.NestedSlice(role.Object, "rules")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		list := func(key string) []string {
			items, _, err := unstructured.NestedStringSlice(rule.(map[string]any), key)
			if err != nil {
				t.Fatal(err)
			}
			return items
		}
		verbs := list("verbs")
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete"} {
			if !slices.Contains(verbs, verb) {
				verbs = nil
			}
		}
		for _, group := range list("apiGroups") {
			for _, resource := range list("resources") {
				if verbs != nil {
					allowed[resource+"."+group] = true
				}
			}
		}
	}
}

func TestCloudsAreTestedOnlyWithTheDefinitionsOfTheirProviders(t *testing.T) {
	for name, kinds := range map[string][]string{
		"gke": {
			"Cluster of container.gcp.m.upbound.io/v1beta1", "Network of compute.gcp.m.upbound.io/v1beta1",
			"ProjectIAMMember of cloudplatform.gcp.m.upbound.io/v1beta1",
		},
		"eks": {"Cluster of eks.aws.m.upbound.io/v1beta1", "VPC of ec2.aws.m.upbound.io/v1beta1"},
	} {
		_, err := beadtest.Run(t.Context(), beadtest.Options{
			Folder: loadService(t, name), Timeout: time.Minute,
			// So that a hub cannot be started.
			Home: hub.Home{State: t.TempDir()}, Archive: "none", Supervisor: func(string) []string { return []string{"false"} },
		}, report.Discard)
		if request := new(hub.RequestError); !errors.As(err, &request) {
			t.Errorf("%s without them: %v: want a wrong request", name, err)
			continue
		}
		for _, want := range append(kinds, "--schemas DIR") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s without them: %v: want %q", name, err, want)
			}
		}
	}
}
