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

// canary is a policy that refuses an object that nobody else makes, once it can look up all of the kinds.
func canary(kinds []string) *unstructured.Unstructured {
	expression := "false"
	for _, kind := range kinds {
		expression = kind + " ? (" + expression + ") : false" // unlike &&, this lets an error through
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy",
		"metadata": map[string]any{"name": canaryName},
		"spec": map[string]any{
			"validationActions": []any{"Deny"},
			"failurePolicy":     "Fail", // or what cannot be looked up would be let in
			"evaluation":        map[string]any{"background": map[string]any{"enabled": false}},
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []any{""}, "apiVersions": []any{"v1"}, "resources": []any{"configmaps"}, "operations": []any{"CREATE"},
			}}},
			"matchConditions": []any{map[string]any{
				"name": "the-canary", "expression": fmt.Sprintf("object.metadata.name == '%s'", canaryName),
			}},
			"validations": []any{map[string]any{"expression": expression, "message": canaryName}},
		},
	}}
}

// lookups are expressions that are true when the kinds can be looked up that the objects define, as far as policies
// among them do that.
func lookups(objects []*unstructured.Unstructured) []string {
	var policies strings.Builder
	for _, policy := range filter(objects, isPolicy) {
		policies.WriteString(fmt.Sprint(policy.Object["spec"]))
	}
	var expressions []string
	for _, definition := range which(objects, kindXRD, kindCRD) {
		plural := text(definition, "spec", "names", "plural")
		versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
		for _, item := range versions {
			version, _ := item.(map[string]any)
			if version["served"] == true && strings.Contains(policies.String(), "'"+plural+"'") {
				expressions = append(expressions, fmt.Sprintf("size(dyn(resource.List('%s/%v', '%s', '%s').items)) >= 0",
					text(definition, "spec", "group"), version["name"], plural, home))
			}
		}
	}
	return expressions
}

// awaitCanary waits until a policy that was made after those of the Bead is followed. A policy's status says that
// Kyverno has taken it up, and not yet that the API server asks Kyverno; until then everything would be let in. Both
// take up policies in their order, so what holds for a later one holds for those before it. And Kyverno learns of new
// kinds a moment after the API server serves them; until then a policy that looks one up refuses everything.
func (s *stage) awaitCanary(ctx context.Context, objects []*unstructured.Unstructured) error {
	policy := canary(lookups(objects))
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
		// That Kyverno may not look up a kind is the Bead's affair: it knows the kind then.
		if refused(err) && !strings.Contains(err.Error(), "not found in group") {
			return s.dismantle(ctx, policy)
		}
		if paused := pause(ctx); paused != nil {
			return fmt.Errorf("waiting for the API server to ask Kyverno: %w", paused)
		}
	}
}

// refused says whether an error is what a webhook answered, and not that it could not be asked.
func refused(err error) bool {
	return err != nil && strings.Contains(err.Error(), "denied the request")
}
