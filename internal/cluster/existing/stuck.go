package existing

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// stuckTimeout bounds looking for the reason why something does not go.
const stuckTimeout = 10 * time.Second

// stuck makes an error of objects that did not go in time: which, what holds them, and how to go on.
func (r *remover) stuck(ctx context.Context, k kind, objects []*metav1.PartialObjectMetadata, cause error) error {
	// The time of what was waited for is over, which is no reason not to ask.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stuckTimeout)
	defer cancel()
	var lines []string
	for _, obj := range objects {
		line := describeObject(k, obj)
		if len(obj.Finalizers) > 0 {
			line += " has the finalizers " + strings.Join(obj.Finalizers, ", ")
		}
		lines = append(lines, line)
		if k.GroupVersionResource == namespaceResource {
			lines = append(lines, r.holding(ctx, obj.Name)...)
		}
	}
	slices.Sort(lines)
	const patch = `kubectl patch KIND NAME -n NAMESPACE --type=merge -p '{"metadata":{"finalizers":null}}'`
	return fmt.Errorf("waiting for %s to go: %w: want each finalizer taken off by the program that has set it; if that "+
		"is gone for good, `%s`; then run `backstack uninstall` again\n  %s", k.Resource, cause, patch,
		strings.Join(lines, "\n  "))
}

// holding says why a namespace does not go: what it still has, and what the API server says of it.
func (r *remover) holding(ctx context.Context, namespace string) []string {
	var lines []string
	if obj, err := r.dynamic.Resource(namespaceResource).Get(ctx, namespace, metav1.GetOptions{}); err == nil {
		conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
		for _, item := range conditions {
			if condition, ok := item.(map[string]any); ok && condition["status"] == "True" {
				lines = append(lines, fmt.Sprintf("Namespace %s: %v", namespace, condition["message"]))
			}
		}
	}
	var lock sync.Mutex
	_ = forEach(r.kinds, func(k kind) error {
		if !k.Namespaced {
			return nil
		}
		list, err := r.metadata.Resource(k.GroupVersionResource).Namespace(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		lock.Lock()
		defer lock.Unlock()
		for i := range list.Items {
			if obj := &list.Items[i]; len(obj.Finalizers) > 0 {
				lines = append(lines, describeObject(k, obj)+" has the finalizers "+strings.Join(obj.Finalizers, ", "))
			}
		}
		return nil
	})
	return lines
}
