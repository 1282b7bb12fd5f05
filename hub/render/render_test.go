package render

import (
	"bytes"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

func TestRenderingTwiceGivesTheSameBytes(t *testing.T) {
	h := demo(enforcing, func(h *spec.Hub) {
		h.Spec.Policies.Namespaces = []string{"b", "a"}
		h.Spec.Components = map[string]spec.Component{
			"argocd": {Values: map[string]any{"b": map[string]any{"y": int64(1), "x": int64(2)}, "a": int64(3)}},
		}
	})
	first, firstRequests := archive(hub(t, h)), archive(requests(t, h))
	for range 20 {
		if !bytes.Equal(archive(hub(t, h)), first) || !bytes.Equal(archive(requests(t, h)), firstRequests) {
			t.Fatal("the same hub was rendered to other bytes")
		}
	}
}

func TestTheOrderOfNamespacesDoesNotMatter(t *testing.T) {
	policy := func(namespaces ...string) string {
		tree := hub(t, demo(func(h *spec.Hub) { h.Spec.Policies.Namespaces = namespaces }))
		return string(tree["policies/hub/single-tenant.yaml"])
	}
	if a, b := policy("a", "z", "argocd"), policy("z", "argocd", "a", "z"); a != b {
		t.Errorf("the same namespaces make two policies:\n%s\n%s", a, b)
	}
}

func TestRenderingLeavesTheHubAlone(t *testing.T) {
	h := demo()
	hub(t, h)
	if h.Spec.Repositories == nil {
		t.Error("the hub lost its repositories")
	}
}

func TestValuesOfHubYAMLLieOverTheChartsOwn(t *testing.T) {
	tree := hub(t, demo(func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"argocd": {Values: map[string]any{
			"config":         map[string]any{"timeout.reconciliation": "60s", "exec.enabled": nil, "ui.bannercontent": "a\nb"},
			"platformGroups": []any{"platform.example.org"},
			"params":         map[string]any{"server.log.level": "debug"},
			"url":            "https://argocd.example.org",
		}}}
	}))
	var values struct {
		Config         map[string]string `json:"config"`
		PlatformGroups []string          `json:"platformGroups"`
		Params         map[string]string `json:"params"`
		URL            string            `json:"url"`
	}
	if err := yaml.Unmarshal(tree["components/argocd/values.yaml"], &values); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"timeout.reconciliation": "60s", "ui.bannercontent": "a\nb", "admin.enabled": "true", "exec.enabled": "",
	} {
		if got := values.Config[key]; got != want {
			t.Errorf("config.%s is %q: want %q", key, got, want)
		}
	}
	if !slices.Equal(values.PlatformGroups, []string{"platform.example.org"}) {
		t.Errorf("platformGroups is %q: want the list of hub.yaml instead of the chart's", values.PlatformGroups)
	}
	if values.URL != "https://argocd.example.org" || values.Params["server.log.level"] != "debug" {
		t.Errorf("url is %q and params %v: want those of hub.yaml", values.URL, values.Params)
	}
	if !bytes.Contains(tree["components/argocd/values.yaml"], []byte("\n# API groups of what the platform offers.")) {
		t.Error("values.yaml lost the comments that explain it")
	}
	cm := find(t, tree, "argocd", "ConfigMap", "argocd-cm")
	if data := cm["data"].(map[string]any); data["timeout.reconciliation"] != "60s" || data["exec.enabled"] != nil {
		t.Errorf("argocd-cm is %v: want the values of hub.yaml", data)
	}
}

// find returns an object of a component.
func find(t *testing.T, tree Tree, component, kind, name string) map[string]any {
	t.Helper()
	objects, err := Component(tree, component)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object.Object
		}
	}
	t.Fatalf("component %s has no %s %s", component, kind, name)
	return nil
}

func TestHubYAMLIsWhatAPersonWouldWrite(t *testing.T) {
	content := hub(t, demo(enforcing))["hub.yaml"]
	if bytes.Contains(content, []byte("repositories")) {
		t.Errorf("hub.yaml says where the hub's own Gitea has its repositories, which follows from the rest:\n%s", content)
	}
	loaded, err := spec.Load(content, "hub.yaml")
	if err != nil {
		t.Fatalf("hub.yaml cannot be read: %v", err)
	}
	again, err := spec.Marshal(loaded)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again, content) {
		t.Errorf("hub.yaml is\n%s\nwant\n%s", content, again)
	}
}

func TestHubYAMLNamesRepositoriesElsewhere(t *testing.T) {
	h := demo(func(h *spec.Hub) {
		h.Spec.Repositories = &spec.Repositories{Hub: "https://example.org/a.git", Requests: "https://example.org/b.git"}
	})
	tree := hub(t, h)
	loaded, err := spec.Load(tree["hub.yaml"], "hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if r := loaded.Spec.Repositories; r == nil || *r != *h.Spec.Repositories {
		t.Errorf("hub.yaml says that the repositories are %v: want %v", r, h.Spec.Repositories)
	}
}

func TestADisabledComponentLeavesNoFiles(t *testing.T) {
	off := false
	for _, test := range []struct {
		component string
		gone      []string
	}{
		{"crossplane", []string{"components/crossplane/", "apps/crossplane.yaml"}},
		{"kyverno", []string{"components/kyverno/", "apps/kyverno.yaml", "apps/policies.yaml", "policies/"}},
	} {
		tree := hub(t, demo(func(h *spec.Hub) {
			h.Spec.Components = map[string]spec.Component{test.component: {Enabled: &off}}
		}))
		for path := range tree {
			if slices.ContainsFunc(test.gone, func(gone string) bool { return strings.HasPrefix(path, gone) }) {
				t.Errorf("without %s there is %s", test.component, path)
			}
		}
		if !strings.Contains(string(tree["apps/argocd.yaml"]), "components/argocd") {
			t.Errorf("without %s there is no Argo CD", test.component)
		}
	}
}

func TestWithoutCrossplaneNoPolicyNamesItsKinds(t *testing.T) {
	off := false
	tree := hub(t, demo(func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"crossplane": {Enabled: &off}}
	}))
	for path, content := range tree.Sub("policies").All() {
		if bytes.Contains(content, []byte("crossplane.io")) {
			t.Errorf("%s names Crossplane's kinds", path)
		}
	}
}

func TestEveryFaultOfAHubThatCannotBeRenderedIsNamed(t *testing.T) {
	off := false
	h := demo()
	h.Spec.Embedded.Ports.ArgoCD = 0
	kind := demo(onKind)
	kind.Spec.Kind.Ports.HTTPS = 0
	for want, h := range map[string]*spec.Hub{
		"spec.embedded.ports.argocd is not resolved: want the port that was chosen": h,
		"spec.kind.ports.https is not resolved: want the port that was chosen":      kind,
	} {
		if _, err := Hub(h, upstreamCharts(t)); err == nil ||
			err.Error() != `rendering the repository of hub "demo": `+want {
			t.Errorf("the error is %v: want it to say %q", err, want)
		}
	}
	h.Spec.Repositories.Requests = ""
	h.Spec.Components["backstage"] = spec.Component{}
	h.Spec.Components["argocd"] = spec.Component{Enabled: &off}
	_, err := Hub(h, nil)
	if err == nil {
		t.Fatal("it was rendered")
	}
	for _, want := range []string{
		`hub "demo"`,
		"spec.repositories is not resolved",
		"spec.embedded.ports.argocd is not resolved",
		"spec.components.backstage is no component: want one of argocd, crossplane, gitea, kyverno, traefik",
		"spec.components.argocd is not enabled",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %q: want it to say %q", err, want)
		}
	}
	if _, err := Requests(h); err == nil {
		t.Error("its requests repository was rendered")
	}
}

// What looks like a credential, or like a place for one.
var credential = regexp.MustCompile(`(?i)kind: secret\n|BEGIN [A-Z ]*PRIVATE KEY|` +
	`(password|token|client-key-data|bearer)["']?: *["']?[^\s"'{]+`)

// archived says whether a file is one of upstream's charts, which is as upstream made it.
func archived(path string) bool { return strings.HasSuffix(path, ".tgz") }

func TestNoFileHoldsACredential(t *testing.T) {
	for name, h := range everyHub() {
		tree := hub(t, h)
		for _, files := range []Tree{tree, requests(t, h)} {
			for path, content := range files.All() {
				content = bytes.ReplaceAll(content, []byte("automountServiceAccountToken: false"), nil) // says that there is none
				if found := credential.Find(content); found != nil && !archived(path) {
					t.Errorf("%s: %s holds %q", name, path, found)
				}
			}
		}
		for component, objects := range components(t, tree) {
			for _, object := range objects {
				if object.GetKind() == "Secret" {
					t.Errorf("%s: component %s has Secret %s", name, component, object.GetName())
				}
			}
		}
	}
}

func TestTemplatesAreFilledIn(t *testing.T) {
	for name, h := range everyHub() {
		for _, tree := range []Tree{hub(t, h), requests(t, h)} {
			for path, content := range tree.All() {
				if archived(path) {
					continue
				}
				if bytes.Contains(content, []byte("[[")) || bytes.Contains(content, []byte("<no value>")) {
					t.Errorf("%s: %s is not filled in", name, path)
				}
				if !bytes.HasSuffix(content, []byte("\n")) {
					t.Errorf("%s: %s does not end with a line's end", name, path)
				}
			}
		}
	}
}

func TestPinnedVersionsAreThoseOfTheCharts(t *testing.T) {
	for _, name := range spec.Components() {
		files, err := charts.Files(name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := fs.ReadFile(files, "Chart.yaml")
		if err != nil {
			t.Fatal(err)
		}
		var chart struct{ AppVersion spec.Version }
		if err := yaml.Unmarshal(content, &chart); err != nil {
			t.Fatal(err)
		}
		if pinned := spec.PinnedVersion(name); pinned != chart.AppVersion {
			t.Errorf("%s is pinned to %s in package spec and to %s in package charts: want the same", name, pinned,
				chart.AppVersion)
		}
	}
}

func TestAComponentsVersionIsItsChartsAppVersion(t *testing.T) {
	tree := hub(t, demo(func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"kyverno": {Version: "1.20.0"}}
	}))
	var chart struct {
		AppVersion string `json:"appVersion"`
	}
	if err := yaml.Unmarshal(tree["components/kyverno/Chart.yaml"], &chart); err != nil {
		t.Fatal(err)
	}
	if chart.AppVersion != "1.20.0" {
		t.Errorf("the chart's appVersion is %s: want 1.20.0", chart.AppVersion)
	}
}
