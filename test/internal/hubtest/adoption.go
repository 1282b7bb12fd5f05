package hubtest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Applications are the resource of Argo CD's Applications.
var Applications = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}

// CheckAdopted checks that Argo CD found what Applications are of as Git says, and had nothing to do. It relies on the
// policy that whatever is out of sync is synchronized: what never was has no operation.
func (h *Hub) CheckAdopted(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		app, err := h.Client(t).Get(Patient(t), Applications, "argocd", name)
		if err != nil {
			t.Fatal(err)
		}
		if history, _, _ := unstructured.NestedSlice(app.Object, "status", "history"); len(history) > 0 {
			t.Errorf("%s was synchronized %d times: want it in sync from the start: %v", name, len(history), history)
		}
		if operation, found, _ := unstructured.NestedMap(app.Object, "status", "operationState"); found {
			t.Errorf("%s has had an operation: want none: %v", name, operation)
		}
	}
}

// Disown makes a hub one that a first install has left just before it hands over to Argo CD: the root Application is gone.
func (h *Hub) Disown(t testing.TB) {
	t.Helper()
	client := h.Client(t).Dynamic().Resource(Applications).Namespace("argocd")
	if err := client.Delete(Patient(t), "hub", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}
