package kube

import (
	"cmp"
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// Until watches the objects of a kind in namespace (all namespaces if empty) until satisfied says so. After each change
// satisfied gets all objects and returns whether to stop, and what it waits for; waiting, if not nil, is told the
// latter when it changes. An error names what was waited for last.
func (c *Client) Until(
	ctx context.Context, gvr schema.GroupVersionResource, namespace string,
	satisfied func([]*unstructured.Unstructured) (bool, string), waiting func(string),
) error {
	return c.UntilMatching(ctx, gvr, namespace, metav1.ListOptions{}, satisfied, waiting)
}

// UntilMatching is Until for those of the objects that the label and field selectors of an API request match.
func (c *Client) UntilMatching(
	ctx context.Context, gvr schema.GroupVersionResource, namespace string, matching metav1.ListOptions,
	satisfied func([]*unstructured.Unstructured) (bool, string), waiting func(string),
) error {
	last := ""
	done, _ := c.follow(ctx, gvr, namespace, matching, func(objects []*unstructured.Unstructured) bool {
		ok, what := satisfied(objects)
		if !ok && what != last {
			last = what
			if waiting != nil {
				waiting(what)
			}
		}
		return ok
	})
	if done {
		return nil
	}
	return fmt.Errorf("waiting for %s: %w", cmp.Or(last, gvr.Resource), context.Cause(ctx))
}

// follow watches the objects of a kind in namespace that selectors match until changed, which gets all of them at
// first and after each change, returns true, or until ctx ends. It returns which of the two it was, and what was last
// wrong with watching, if anything.
func (c *Client) follow(
	ctx context.Context, gvr schema.GroupVersionResource, namespace string, matching metav1.ListOptions,
	changed func([]*unstructured.Unstructured) bool,
) (bool, error) {
	var last error
	for {
		done, err := c.followOnce(ctx, gvr, namespace, matching, changed)
		if done || ctx.Err() != nil {
			return done, last
		}
		if last = err; err != nil {
			// The API server restarts, or the watch has become too old: look again from the start.
			pause(ctx)
		}
	}
}

// pause waits before what has failed is tried again.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}

// followOnce lists and then watches until changed returns true, or until the watch ends.
func (c *Client) followOnce(
	ctx context.Context, gvr schema.GroupVersionResource, namespace string, matching metav1.ListOptions,
	changed func([]*unstructured.Unstructured) bool,
) (bool, error) {
	resource := c.dynamic.Resource(gvr).Namespace(namespace)
	list, err := resource.List(ctx, matching)
	if err != nil {
		return false, err
	}
	objects := map[string]*unstructured.Unstructured{}
	for i := range list.Items {
		objects[key(&list.Items[i])] = &list.Items[i]
	}
	if changed(values(objects)) {
		return true, nil
	}
	matching.ResourceVersion = list.GetResourceVersion()
	stream, err := resource.Watch(ctx, matching)
	if err != nil {
		return false, err
	}
	defer stream.Stop()
	for {
		var event watch.Event
		select {
		case <-ctx.Done():
			return false, nil
		case next, open := <-stream.ResultChan():
			if !open {
				return false, nil
			}
			event = next
		}
		obj, ok := event.Object.(*unstructured.Unstructured)
		if !ok || event.Type == watch.Error {
			return false, fmt.Errorf("watching %s: %w", gvr.Resource, apierrors.FromObject(event.Object))
		}
		if event.Type == watch.Deleted {
			delete(objects, key(obj))
		} else {
			objects[key(obj)] = obj
		}
		if changed(values(objects)) {
			return true, nil
		}
	}
}

func key(obj *unstructured.Unstructured) string { return obj.GetNamespace() + "/" + obj.GetName() }

func values(objects map[string]*unstructured.Unstructured) []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, 0, len(objects))
	for _, obj := range objects {
		all = append(all, obj)
	}
	return all
}

// Condition returns the status ("True", "False", "Unknown") of an object's condition, and "" if it has none of that
// type.
func Condition(obj *unstructured.Unstructured, conditionType string) string {
	conditions, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, item := range conditions {
		if condition, ok := item.(map[string]any); ok && condition["type"] == conditionType {
			status, _ := condition["status"].(string)
			return status
		}
	}
	return ""
}
