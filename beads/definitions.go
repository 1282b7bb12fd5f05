package beads

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definition is the kind by which Beads define what people can ask for.
const definition = "CompositeResourceDefinition"

// instances returns what there is of the kind that a CompositeResourceDefinition defines.
func (h *Hub) instances(ctx context.Context, xrd *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	list, err := h.Client.Dynamic().Resource(definedResource(xrd)).List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil // the kind is not there
	}
	if err != nil {
		return nil, fmt.Errorf("listing what is of kind %s: %w", xrd.GetName(), err)
	}
	found := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		found[i] = &list.Items[i]
	}
	return found, nil
}

// definedResource is the resource of a CompositeResourceDefinition, in a version that it serves.
func definedResource(xrd *unstructured.Unstructured) schema.GroupVersionResource {
	group, _, _ := unstructured.NestedString(xrd.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(xrd.Object, "spec", "names", "plural")
	resource := schema.GroupVersionResource{Group: group, Resource: plural}
	for _, version := range definedVersions(xrd) {
		if served, _ := version["served"].(bool); served {
			resource.Version, _ = version["name"].(string)
		}
		if stored, _ := version["referenceable"].(bool); stored {
			break
		}
	}
	return resource
}

func definedVersions(xrd *unstructured.Unstructured) []map[string]any {
	items, _, _ := unstructured.NestedSlice(xrd.Object, "spec", "versions")
	versions := make([]map[string]any, 0, len(items))
	for _, item := range items {
		if version, ok := item.(map[string]any); ok {
			versions = append(versions, version)
		}
	}
	return versions
}
