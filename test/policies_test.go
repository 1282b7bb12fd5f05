package test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

var (
	pods       = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
)

// testPolicies checks that what the policies are against is let in and refused as hub.yaml says.
func testPolicies(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	tries := []struct {
		name, refusal string // what the refusal says; empty if there must be none
		resource      schema.GroupVersionResource
		object        *unstructured.Unstructured
	}{
		{"a privileged pod", "Privileged containers: main", pods, pod("privileged", true)},
		{"a decent pod", "", pods, pod("decent", false)},
		{"a stray namespace", "Namespace team-a is not one of this hub", namespaces, namespace("team-a", nil)},
		{"a Bead's namespace", "", namespaces, namespace("bead-a", map[string]any{"backstack.dev/bead": "a"})},
	}
	for _, mode := range []string{"Enforce", "Audit"} {
		before := hub.Clone(t, "hub")
		hub.Must(t, "install", "--set", "policies.mode="+mode)
		after := hub.Clone(t, "hub")
		if made := len(after.Commits(t)) - len(before.Commits(t)); made != 1 {
			t.Errorf("changing the mode to %s made %d commits, want 1", mode, made)
		}
		if !strings.Contains(after.Read(t, "hub.yaml"), "mode: "+mode) {
			t.Errorf("hub.yaml does not say %s:\n%s", mode, after.Read(t, "hub.yaml"))
		}
		for _, try := range tries {
			t.Run(mode+" and "+try.name, func(t *testing.T) {
				refusal := try.refusal
				if mode == "Audit" {
					refusal = ""
				}
				// Kyverno follows a moment after its policies have changed.
				hubtest.Eventually(t, "the policy to be followed", func() error {
					return checkAdmission(t.Context(), client, try.resource, try.object, refusal)
				})
			})
		}
	}
}

// checkAdmission asks the API server whether it would take an object. refusal is what it is to answer if not.
func checkAdmission(
	ctx context.Context, client *kube.Client, resource schema.GroupVersionResource, object *unstructured.Unstructured,
	refusal string,
) error {
	_, err := client.Dynamic().Resource(resource).Namespace(object.GetNamespace()).Create(
		ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case refusal == "" && err != nil:
		return fmt.Errorf("it is refused: %w", err)
	case refusal != "" && err == nil:
		return fmt.Errorf("it is let in, want a refusal with %q", refusal)
	case refusal != "" && (apierrors.IsInternalError(err) || !strings.Contains(err.Error(), refusal)):
		return fmt.Errorf("it is refused with %w, want %q", err, refusal)
	}
	return nil
}

func pod(name string, privileged bool) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": name, "namespace": "requests"},
		"spec": map[string]any{"containers": []any{map[string]any{
			"name": "main", "image": "example.com/main:1", "securityContext": map[string]any{"privileged": privileged},
		}}},
	}}
}

func namespace(name string, labels map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": labels},
	}}
}
