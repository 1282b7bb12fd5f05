package beadtest

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds that matter here.
const (
	kindXRD         = "CompositeResourceDefinition"
	kindComposition = "Composition"
	kindCRD         = "CustomResourceDefinition"
)

// isA says whether an object is of a kind, whatever its API group: no two that a Bead brings have the same kind's name.
func isA(object *unstructured.Unstructured, kinds ...string) bool {
	return slices.Contains(kinds, object.GetKind())
}

// which are the objects of some kinds.
func which(objects []*unstructured.Unstructured, kinds ...string) []*unstructured.Unstructured {
	return filter(objects, func(object *unstructured.Unstructured) bool { return isA(object, kinds...) })
}

// filter are the objects that keep is true for.
func filter(
	objects []*unstructured.Unstructured, keep func(*unstructured.Unstructured) bool,
) []*unstructured.Unstructured {
	var kept []*unstructured.Unstructured
	for _, object := range objects {
		if keep(object) {
			kept = append(kept, object)
		}
	}
	return kept
}

// definedKinds are the kinds that definitions among the objects define.
func definedKinds(objects []*unstructured.Unstructured) map[schema.GroupKind]bool {
	kinds := make(map[schema.GroupKind]bool)
	for _, object := range which(objects, kindXRD, kindCRD) {
		for _, field := range []string{"names", "claimNames"} {
			if kind := text(object, "spec", field, "kind"); kind != "" {
				kinds[schema.GroupKind{Group: text(object, "spec", "group"), Kind: kind}] = true
			}
		}
	}
	return kinds
}

// isPolicy says whether an object is a policy of which Kyverno says when it is in force.
func isPolicy(object *unstructured.Unstructured) bool {
	kind := object.GetKind()
	return object.GroupVersionKind().Group == "policies.kyverno.io" &&
		(strings.HasSuffix(kind, "ValidatingPolicy") || strings.HasSuffix(kind, "MutatingPolicy") ||
			strings.HasSuffix(kind, "GeneratingPolicy"))
}

// text is a text in an object; "" if there is none.
func text(object *unstructured.Unstructured, path ...string) string {
	value, _, _ := unstructured.NestedString(object.Object, path...)
	return value
}
