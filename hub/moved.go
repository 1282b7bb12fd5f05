package hub

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/internal/kube"
)

// deliveryResources are what Argo CD keeps addresses of repositories in; projects first, for they say what Applications may
// come from.
func deliveryResources() []schema.GroupVersionResource {
	resource := func(name string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: applications.Group, Version: applications.Version, Resource: name}
	}
	return []schema.GroupVersionResource{resource("appprojects"), resource("applicationsets"), applications}
}

// movedRepositories returns the new addresses of the hub's repositories by the ones that Argo CD knows, where these differ.
func movedRepositories(present []unstructured.Unstructured, rendered []*unstructured.Unstructured) map[string]string {
	repository := func(app *unstructured.Unstructured) string {
		url, _, _ := unstructured.NestedString(app.Object, "spec", "source", "repoURL")
		return url
	}
	wanted := map[string]string{}
	for _, object := range rendered {
		if object.GetKind() == "Application" {
			wanted[object.GetName()] = repository(object)
		}
	}
	moved := map[string]string{}
	for n := range present {
		old, now := repository(&present[n]), wanted[present[n].GetName()]
		if old != "" && now != "" && old != now {
			moved[old] = now
		}
	}
	return moved
}

// followRepositories tells Argo CD the new addresses of repositories. They are in Git too, which it does not find by the old
// ones.
func (i *install) followRepositories(ctx context.Context) error {
	for _, resource := range deliveryResources() {
		present, err := i.client.List(ctx, resource, argoNamespace)
		if err != nil {
			return err
		}
		for n := range present {
			object := &present[n]
			changed, some := readdressed(object.Object["spec"], i.moved)
			if !some {
				continue
			}
			if err := i.patchDelivery(ctx, resource, object, map[string]any{"spec": changed}); err != nil {
				return err
			}
		}
	}
	return nil
}

// followOperations does the same for operations that Argo CD had begun, which it would try again by the old addresses, for a
// quarter of an hour. What it writes meanwhile may undo that, so it is for each time that an Application has changed; errors
// are of no interest.
func (i *install) followOperations(ctx context.Context, present []*unstructured.Unstructured) {
	if len(i.moved) == 0 {
		return
	}
	for _, app := range present {
		if phase, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "phase"); phase != "Running" {
			continue
		}
		app = app.DeepCopy() // the watch's own stays as it is
		patch := map[string]any{}
		if operation, some := readdressed(app.Object["operation"], i.moved); some {
			patch["operation"] = operation
		}
		state, _, _ := unstructured.NestedMap(app.Object, "status", "operationState")
		if state, some := readdressed(state, i.moved); some {
			patch["status"] = map[string]any{"operationState": state}
		}
		if len(patch) > 0 {
			_ = i.patchDelivery(ctx, applications, app, patch)
		}
	}
}

// patchDelivery changes an object of Argo CD's.
func (i *install) patchDelivery(
	ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured, change map[string]any,
) error {
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", kube.Describe(object), err)
	}
	_, err = i.client.Dynamic().Resource(resource).Namespace(argoNamespace).Patch(
		ctx, object.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.ArgoCD})
	if err != nil {
		return fmt.Errorf("telling %s the new address of its repository: %w", kube.Describe(object), err)
	}
	return nil
}

// readdressed returns a value with every text in it that is a key of moved replaced, and whether there was one.
func readdressed(value any, moved map[string]string) (changed any, some bool) {
	switch value := value.(type) {
	case string:
		if now, ok := moved[value]; ok {
			return now, true
		}
	case []any:
		for n, item := range value {
			if now, ok := readdressed(item, moved); ok {
				value[n], some = now, true
			}
		}
	case map[string]any:
		for key, item := range value {
			if now, ok := readdressed(item, moved); ok {
				value[key], some = now, true
			}
		}
	}
	return value, some
}
