package test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

var greetings = schema.GroupVersionResource{Group: "demo.backstack.dev", Version: "v1", Resource: "greetings"}

// testBead commits a Bead with a Crossplane composition, uses what it offers, and changes the composition by another
// commit. The composed object stays, for the tests that follow to find.
func testBead(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	hub.Clone(t, "hub").Push(t, "Add the bead demo", beadFiles(t))
	hubtest.Until(t, client, applications, "argocd", "bead-demo", func(app *unstructured.Unstructured) string {
		if missing := hubtest.HasValue("Healthy", "status", "health", "status")(app); missing != "" {
			return missing
		}
		return hubtest.HasValue("Synced", "status", "sync", "status")(app)
	})
	status := hub.AwaitHealthy(t)
	if !slices.ContainsFunc(status.Applications, func(app hubtest.Application) bool { return app.Name == "bead-demo" }) {
		t.Errorf("status has the applications %v, want bead-demo among them", status.Applications)
	}
	if len(status.Beads) != 1 || status.Beads[0].Name != "demo" || !status.Beads[0].Healthy {
		t.Errorf("status has the beads %v, want demo, healthy", status.Beads)
	}

	greeting := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "demo.backstack.dev/v1", "kind": "Greeting",
		"metadata": map[string]any{"name": "card", "namespace": "bead-demo"},
		"spec":     map[string]any{"name": "Ada"},
	}}
	if _, err := client.Dynamic().Resource(greetings).Namespace("bead-demo").Create(
		hubtest.Patient(t), greeting, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	hubtest.Until(t, client, greetings, "bead-demo", "card", func(obj *unstructured.Unstructured) string {
		if got := kube.Condition(obj, "Ready"); got != "True" {
			return "condition Ready is " + got
		}
		return ""
	})
	hubtest.Until(t, client, configMaps, "bead-demo", "card", hubtest.HasValue("Ada", "data", "name"))
	hubtest.Until(t, client, configMaps, "bead-demo", "card", hubtest.HasValue("hello", "data", "word"))

	repository := hub.Clone(t, "hub")
	const file = "beads/demo/composition.yaml"
	repository.Push(t, "Greet in Danish", map[string]string{file: repository.Replace(t, file, "word: hello", "word: hej")})
	hubtest.Until(t, client, configMaps, "bead-demo", "card", hubtest.HasValue("hej", "data", "word"))
	hub.AwaitHealthy(t)
}

func beadFiles(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("testdata/bead/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("testdata/bead: %v, %v", paths, err)
	}
	files := map[string]string{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files["beads/demo/"+filepath.Base(path)] = string(data)
	}
	return files
}
