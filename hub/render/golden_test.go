package render

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/tools/txtar"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

var update = flag.Bool("update", false, "write what is rendered to the golden files in testdata")

// demo returns a resolved hub.
func demo(change ...func(*spec.Hub)) *spec.Hub {
	h := spec.Default("demo")
	for _, f := range change {
		f(h)
	}
	h = spec.Resolve(h)
	server := "https://127.0.0.1:3000"
	if h.Spec.Provider.Pods() {
		server = GiteaService
	}
	h.Spec.Repositories = &spec.Repositories{
		Hub: server + "/backstack/hub.git", Requests: server + "/backstack/requests.git",
	}
	switch h.Spec.Provider {
	case spec.ProviderEmbedded:
		h.Spec.Embedded = &spec.Embedded{Ports: spec.Ports{Kubernetes: 6443, ArgoCD: 8080, Gitea: 3000}}
	case spec.ProviderKind:
		h.Spec.Kind.Ports = spec.KindPorts{Kubernetes: 6443, HTTP: 8080, HTTPS: 8443}
	}
	return h
}

// onKind and onExisting are hubs whose components run as pods.
func onKind(h *spec.Hub) { h.Spec.Provider = spec.ProviderKind }

func onExisting(h *spec.Hub) {
	h.Spec.Provider, h.Spec.Existing = spec.ProviderExisting, &spec.Existing{Context: "production"}
}

// fromRegistry makes a hub get everything from one registry.
func fromRegistry(h *spec.Hub) {
	h.Spec.Registry = &spec.Registry{
		Prefix: "registry.example.com/mirror", DockerConfig: "/home/me/.docker/config.json",
		CA: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	}
}

func TestRepositoriesOfHubsThatRunPods(t *testing.T) {
	kind := hub(t, demo(onKind))
	golden(t, "hub-kind.txtar", archive(differing(kind, hub(t, demo()))))
	golden(t, "hub-existing.txtar", archive(differing(hub(t, demo(onExisting)), kind)))
	golden(t, "hub-registry.txtar", archive(differing(hub(t, demo(onKind, fromRegistry)), kind)))
}

// differing are the files of a tree that another does not have in the same way, without archives.
func differing(tree, other Tree) Tree {
	found := make(Tree)
	for path, content := range tree.All() {
		if !bytes.Equal(content, other[path]) && filepath.Ext(path) != ".tgz" {
			found[path] = content
		}
	}
	return found
}

// enforcing makes a hub refuse what its policies are against.
func enforcing(h *spec.Hub) { h.Spec.Policies.Mode = spec.ModeEnforce }

func TestRepositoriesOfAnAuditingHub(t *testing.T) {
	golden(t, "hub-audit.txtar", archive(hub(t, demo())))
	golden(t, "requests.txtar", archive(requests(t, demo())))
}

func TestRepositoriesOfAnEnforcingHubDifferInTheirPolicies(t *testing.T) {
	audit, enforce := hub(t, demo()), hub(t, demo(enforcing))
	golden(t, "hub-enforce.txtar", archive(differing(enforce, audit)))
	if len(audit) != len(enforce) {
		t.Errorf("an auditing hub has %d files and an enforcing one %d: want the same", len(audit), len(enforce))
	}
	if !bytes.Equal(archive(requests(t, demo())), archive(requests(t, demo(enforcing)))) {
		t.Error("the requests repository depends on the mode of the policies: want the same files")
	}
}

func TestObjectsOfComponents(t *testing.T) {
	for component, objects := range components(t, hub(t, demo())) {
		golden(t, "objects-"+component+".yaml", manifests(t, objects))
	}
}

// These two charts are ours alone, without one of upstream's in them.
func TestObjectsOfComponentsThatAreOurOwnCharts(t *testing.T) {
	all := components(t, hub(t, demo(onKind)))
	for _, component := range []string{"gitea", "traefik"} {
		golden(t, "objects-"+component+".yaml", manifests(t, all[component]))
	}
}

// components returns the objects of every component that a tree has, by component.
func components(t *testing.T, tree Tree) map[string][]*unstructured.Unstructured {
	t.Helper()
	found := make(map[string][]*unstructured.Unstructured)
	for _, component := range charts.Components() {
		if tree[componentDir(component.Name)+"/Chart.yaml"] == nil {
			continue
		}
		objects, err := Component(tree, component.Name)
		if err != nil {
			t.Fatal(err)
		}
		found[component.Name] = objects
	}
	return found
}

// manifests returns objects as one text.
func manifests(t *testing.T, objects []*unstructured.Unstructured) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, object := range objects {
		text, err := yaml.Marshal(object.Object)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes()
}

// everyHub are hubs of each kind, by what they are called in messages.
func everyHub() map[string]*spec.Hub {
	return map[string]*spec.Hub{
		"an embedded hub": demo(enforcing), "a hub on kind": demo(onKind), "a hub on someone's cluster": demo(onExisting),
		"a hub on kind with a registry": demo(onKind, fromRegistry, enforcing),
	}
}

func hub(t *testing.T, h *spec.Hub) Tree {
	t.Helper()
	return must(t)(Hub(h, upstreamCharts(t)))
}

func requests(t *testing.T, h *spec.Hub) Tree {
	t.Helper()
	return must(t)(Requests(h))
}

func must(t *testing.T) func(Tree, error) Tree {
	return func(tree Tree, err error) Tree {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
}

// archive returns a tree as one text.
func archive(tree Tree) []byte {
	var a txtar.Archive
	for path, content := range tree.All() {
		a.Files = append(a.Files, txtar.File{Name: path, Data: content})
	}
	return txtar.Format(&a)
}

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %s; look at the change with go test ./hub/render -update and git diff", path,
			firstDifference(got, want))
	}
}

// firstDifference says where two texts part.
func firstDifference(got, want []byte) string {
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(gotLines), len(wantLines)) {
		if !bytes.Equal(gotLines[i], wantLines[i]) {
			return "line " + strconv.Itoa(i+1) + " is " + strconv.Quote(string(gotLines[i])) +
				", want " + strconv.Quote(string(wantLines[i]))
		}
	}
	return "it has " + strconv.Itoa(len(gotLines)) + " lines, want " + strconv.Itoa(len(wantLines))
}
