//go:build e2e

package kind

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/internal/cluster/kind"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// TestExistingCluster installs a hub on a cluster that is not backstack's, and takes it off again. It does so with an account
// that is allowed what backstack has asked for, and nothing else.
func TestExistingCluster(t *testing.T) {
	someones := kind.New(kind.Options{
		Name: "someones", Dir: t.TempDir(), Image: on.NodeImage, Config: []byte(nodeConfig(t)), Authorities: open.CA,
	})
	makeCluster(t, someones)
	client, err := kube.New(someones.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	provideVolume(t, someones, client)
	serveIngresses(t, client)
	before := contents(t, client)

	kubeconfig := hubtest.Account(t, client, someones.Kubeconfig(), "installer")
	hub := machine.Hub("guest")
	file := described(t, hub.Name, map[string]any{
		"provider": "existing", "kind": nil,
		"existing": map[string]any{"context": "kind-someones", "kubeconfig": kubeconfig, "tenants": true},
		"ingress":  map[string]any{"class": "company", "domain": "hub.localhost"},
	})
	refusal := hub.Machine.Run(t, "install", "-f", file).Want(t, 2)
	grantWhatIsMissing(t, client, "installer", refusal.Stderr)
	hub.Machine.Must(t, "install", "-f", file)
	checkHealthy(t, hub, []string{"argocd", "crossplane", "gitea", "kyverno"})
	running := podsOf(t, client)
	hub.Must(t, "install")
	if now := podsOf(t, client); !maps.Equal(now, running) {
		t.Errorf("a second install changed the pods from %v to %v", running, now)
	}
	t.Run("pages are reached through the cluster's ingress", func(t *testing.T) {
		url := fmt.Sprintf("https://argocd.hub.localhost:%d/healthz", someones.Ports().HTTPS)
		hubtest.Eventually(t, url, func() error {
			_, err := fetch(browse(t, hub), url)
			return err
		})
	})
	t.Run("what would be lost keeps it", func(t *testing.T) { testInUse(t, hub, client) })
	result := hub.Run(t, "uninstall").Want(t, 0)
	if _, err := os.Stat(hub.Dir()); !os.IsNotExist(err) {
		t.Errorf("the folder %s: %v, want it gone", hub.Dir(), err)
	}
	if after := contents(t, client); !slices.Equal(after, before) {
		t.Errorf("the cluster has %q, want what it had: %q\n%s", after, before, result.Stderr)
	}
}

// testInUse asks for something, for as long as which the hub is not removed.
func testInUse(t *testing.T, hub *hubtest.Hub, client *kube.Client) {
	hub.Must(t, "bead", "add", "namespace")
	claim := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "backstack.dev/v1alpha1", "kind": "TeamNamespace", "metadata": map[string]any{"name": "shop-dev"},
		"spec": map[string]any{"name": "shop-dev", "team": "red", "size": "small", "environment": "dev"},
	}}
	if err := client.Apply(hubtest.Patient(t), "test", claim); err != nil {
		t.Fatal(err)
	}
	hubtest.Until(t, client, namespaces, "", "shop-dev", hubtest.HasValue("red", "metadata", "labels", "team"))
	result := hub.Run(t, "uninstall").Want(t, 4)
	if !strings.Contains(result.Stderr, "TeamNamespace shop-dev") {
		t.Errorf("the message is %s\nwant it to name TeamNamespace shop-dev", result.Stderr)
	}
	hub.AwaitHealthy(t)
	deleteClaim(t, client, claim.GetName())
}

// teamNamespaces is the kind of the library's Bead.
var teamNamespaces = schema.GroupVersionResource{Group: "backstack.dev", Version: "v1alpha1", Resource: "teamnamespaces"}

// deleteClaim deletes what was asked for, and waits until it is gone.
func deleteClaim(t *testing.T, client *kube.Client, name string) {
	t.Helper()
	if err := client.Dynamic().Resource(teamNamespaces).Delete(hubtest.Patient(t), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client.Until(hubtest.Patient(t), teamNamespaces, "", func(all []*unstructured.Unstructured) (bool, string) {
		return len(all) == 0, name + " to be gone"
	}, nil); err != nil {
		t.Fatal(err)
	}
}

// provideVolume makes the volume that Gitea's claim will be bound to: the cluster's storage class provides none by itself.
func provideVolume(t *testing.T, on *kind.Cluster, client *kube.Client) {
	t.Helper()
	folder := on.DataDir() + "/volume"
	if err := on.EnsureNodeFolder(hubtest.Patient(t), folder, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	if err := client.Apply(hubtest.Patient(t), "test", &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "PersistentVolume", "metadata": map[string]any{"name": "for-somebody"},
		"spec": map[string]any{
			"accessModes": []any{"ReadWriteOnce"}, "capacity": map[string]any{"storage": "5Gi"},
			"storageClassName": "standard", "hostPath": map[string]any{"path": folder},
		},
	}}); err != nil {
		t.Fatal(err)
	}
}

// serveIngresses runs an ingress controller of somebody's: another tenant, with an ingress class of its own.
func serveIngresses(t *testing.T, client *kube.Client) {
	t.Helper()
	chart, err := charts.Files("traefik")
	if err != nil {
		t.Fatal(err)
	}
	tree := render.Tree{}
	if err := fs.WalkDir(chart, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			tree["traefik/"+name], err = fs.ReadFile(chart, name)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	tree["traefik/values.yaml"] = []byte(strings.Replace(string(tree["traefik/values.yaml"]), "class: traefik", "class: company", 1))
	objects, err := render.Chart(tree, "traefik", "ingress")
	if err != nil {
		t.Fatal(err)
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "ingress"},
	}}
	if err := client.Apply(hubtest.Patient(t), "test", namespace); err != nil {
		t.Fatal(err)
	}
	if err := client.Apply(hubtest.Patient(t), "test", objects...); err != nil {
		t.Fatal(err)
	}
	if err := client.AwaitWorkloads(hubtest.Patient(t), "ingress", "", nil); err != nil {
		t.Fatal(err)
	}
}

// contents are the namespaces and the definitions of a cluster.
func contents(t *testing.T, client *kube.Client) []string {
	t.Helper()
	var all []string
	for _, gvr := range []schema.GroupVersionResource{namespaces, definitions} {
		list, err := client.List(hubtest.Patient(t), gvr, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, obj := range list {
			all = append(all, obj.GetKind()+" "+obj.GetName())
		}
	}
	slices.Sort(all)
	return all
}
