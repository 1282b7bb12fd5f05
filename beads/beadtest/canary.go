package beadtest

import (
	"context"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// canaryName is the name of a policy of the test's own and of the one object that it refuses.
const canaryName = "bead-test-canary"

// canary is a policy that refuses an object that nobody else makes.
func canary() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy",
		"metadata": map[string]any{"name": canaryName},
		"spec": map[string]any{
			"validationActions": []any{"Deny"},
			"failurePolicy":     "Ignore",
			"evaluation":        map[string]any{"background": map[string]any{"enabled": false}},
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "resources": []any{"configmaps"}, "operations": []any{"CREATE"},
			}}},
			"matchConditions": []any{map[string]any{
				"name": "the-canary", "expression": fmt.Sprintf("object.metadata.name == '%s'", canaryName),
			}},
			"validations": []any{map[string]any{"expression": "false", "message": canaryName}},
		},
	}}
}

// awaitCanary waits until a policy that was made after those of the Bead is followed. A policy's status says that
// Kyverno has taken it up, and not yet that the API server asks Kyverno; until then everything would be let in. Both
// take up policies in their order, so what holds for a later one holds for those before it.
func (s *stage) awaitCanary(ctx context.Context) error {
	policy := canary()
	if err := s.dismantle(ctx, policy); err != nil {
		return err
	}
	if err := s.bring(ctx, policy); err != nil {
		return err
	}
	bird := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": canaryName},
	}}
	for {
		mapping, err := s.locate(ctx, bird)
		if err != nil {
			return err
		}
		dryRun := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
		_, err = resource(s.client.Dynamic(), mapping, bird).Create(ctx, bird, dryRun)
		if err != nil && strings.Contains(err.Error(), "Policy "+canaryName) {
			return s.dismantle(ctx, policy)
		}
		if paused := pause(ctx); paused != nil {
			return fmt.Errorf("waiting for the API server to ask Kyverno: %w", paused)
		}
	}
}
