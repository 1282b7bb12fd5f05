package kube

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

// Until watches the objects of a kind in namespace (all namespaces if empty) until satisfied says so. After each change
// satisfied gets all objects and returns whether to stop, and what it waits for; waiting, if not nil, is told the latter
// when it changes. An error names what was waited for last.
func (c *Client) Until(
	ctx context.Context, gvr schema.GroupVersionResource, namespace string,
	satisfied func([]*unstructured.Unstructured) (bool, string), waiting func(string),
) error {
	last := ""
	for {
		done, err := c.untilOnce(ctx, gvr, namespace, func(objects []*unstructured.Unstructured) bool {
			ok, what := satisfied(objects)
			if !ok && what != last {
				last = what
				if waiting != nil {
					waiting(what)
				}
			}
			return ok
		})
		switch {
		case done:
			return nil
		case ctx.Err() != nil && last == "":
			return fmt.Errorf("waiting for %s: %w", gvr.Resource, context.Cause(ctx))
		case ctx.Err() != nil:
			return fmt.Errorf("waiting for %s: %w", last, context.Cause(ctx))
		case err != nil:
			// The API server restarts, or the watch has become too old: look again from the start.
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// untilOnce lists and then watches until satisfied, or until the watch ends.
func (c *Client) untilOnce(
	ctx context.Context, gvr schema.GroupVersionResource, namespace string, satisfied func([]*unstructured.Unstructured) bool,
) (bool, error) {
	resource := c.dynamic.Resource(gvr).Namespace(namespace)
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	objects := map[string]*unstructured.Unstructured{}
	for i := range list.Items {
		objects[key(&list.Items[i])] = &list.Items[i]
	}
	if satisfied(values(objects)) {
		return true, nil
	}
	stream, err := resource.Watch(ctx, metav1.ListOptions{ResourceVersion: list.GetResourceVersion()})
	if err != nil {
		return false, err
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		obj, ok := event.Object.(*unstructured.Unstructured)
		if !ok || event.Type == watch.Error {
			return false, fmt.Errorf("watching %s: %v", gvr.Resource, event.Object)
		}
		if event.Type == watch.Deleted {
			delete(objects, key(obj))
		} else {
			objects[key(obj)] = obj
		}
		if satisfied(values(objects)) {
			return true, nil
		}
	}
	return false, nil
}

func key(obj *unstructured.Unstructured) string { return obj.GetNamespace() + "/" + obj.GetName() }

func values(objects map[string]*unstructured.Unstructured) []*unstructured.Unstructured {
	all := make([]*unstructured.Unstructured, 0, len(objects))
	for _, obj := range objects {
		all = append(all, obj)
	}
	return all
}

// Condition returns the status ("True", "False", "Unknown") of an object's condition, and "" if it has none of that type.
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
