//go:build e2e

package kind

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

var (
	pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	namespaces  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	definitions = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
)

// components are the Applications of components on kind, each of which has pods.
var components = []string{"argocd", "crossplane", "gitea", "kyverno", "traefik"}

// described writes a hub.yaml for a hub on the stage, and returns its path. change is laid over it.
func described(t testing.TB, name string, change map[string]any) string {
	t.Helper()
	hub := map[string]any{
		"apiVersion": "backstack.dev/v1alpha1", "kind": "Hub", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"provider": "kind",
			"charts":   on.ChartsDir(),
			"kind": map[string]any{
				"image": on.NodeImage, "authorities": string(open.CA), "config": nodeConfig(t),
			},
			"components": map[string]any{
				"crossplane": map[string]any{"values": map[string]any{
					"registry":   map[string]any{"prefix": open.Host + "/hub", "ca": string(open.CA)},
					"crossplane": map[string]any{"registryCaBundleConfig": map[string]any{"name": "hub-registry-ca", "key": "ca.crt"}},
				}},
				// The stage's chart of Argo CD stands in for the pinned one, whose digest it cannot have.
				"argocd": map[string]any{"chart": map[string]any{"digest": chartDigest(t, "argo-cd")}},
			},
		},
	}
	merge(hub["spec"].(map[string]any), change)
	data, err := json.Marshal(hub)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// nodeConfig is what the node image needs beyond others, from the file that KIND_CONFIG names, if any.
func nodeConfig(t testing.TB) string {
	path := os.Getenv("KIND_CONFIG")
	if path == "" {
		return ""
	}
	return hubtest.ReadFile(t, path)
}

// chartDigest is the digest of a chart of the stage.
func chartDigest(t testing.TB, name string) string {
	t.Helper()
	for _, chart := range on.Charts {
		if chart.Name == name {
			return "sha256:" + chart.SHA256
		}
	}
	t.Fatalf("the stage has no chart %s", name)
	return ""
}

// merge lays values over others; nil takes away what is there.
func merge(into, from map[string]any) {
	for key, value := range from {
		if value == nil {
			delete(into, key)
			continue
		}
		below, isMap := value.(map[string]any)
		if there, ok := into[key].(map[string]any); ok && isMap {
			merge(there, below)
			continue
		}
		into[key] = value
	}
}

// node is the container that a hub's cluster is.
func node(hub *hubtest.Hub) string { return hub.Name + "-control-plane" }

// docker runs a docker command and returns what it prints.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// belongings lists what docker has of hubs: containers, networks and volumes.
func belongings(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, args := range [][]string{
		{"ps", "--all", "--format", "container {{.Names}}"}, {"network", "ls", "--format", "network {{.Name}}"},
		{"volume", "ls", "--format", "volume {{.Name}}"},
	} {
		all = append(all, strings.Fields(strings.ReplaceAll(docker(t, args...), " ", "="))...)
	}
	slices.Sort(all)
	return all
}

// checkBelongings checks that docker has of hubs what it had before.
func checkBelongings(t testing.TB, before []string) {
	t.Helper()
	if after := belongings(t); !slices.Equal(after, before) {
		t.Errorf("docker has %q, want what it had: %q", after, before)
	}
}

// checkHealthy checks that everything of a hub is there and well.
func checkHealthy(t *testing.T, hub *hubtest.Hub, components []string) {
	t.Helper()
	status := hub.AwaitHealthy(t)
	var names []string
	for _, app := range status.Applications {
		names = append(names, app.Name)
		if app.Sync != "Synced" || app.Health != "Healthy" {
			t.Errorf("application %+v, want Synced and Healthy", app)
		}
	}
	for _, want := range slices.Concat(components, []string{"hub", "policies", "requests"}) {
		if !slices.Contains(names, want) {
			t.Errorf("applications %v, want %s among them", names, want)
		}
	}
	for _, component := range status.Components {
		if !component.Healthy || len(component.Programs) == 0 {
			t.Errorf("component %+v, want a healthy one with pods", component)
		}
	}
}

// podsOf lists the hub's pods with their UIDs.
func podsOf(t testing.TB, client *kube.Client) map[string]string {
	t.Helper()
	list, err := client.List(hubtest.Patient(t), pods, "")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, pod := range list {
		found[pod.GetNamespace()+"/"+pod.GetName()] = string(pod.GetUID())
	}
	return found
}
