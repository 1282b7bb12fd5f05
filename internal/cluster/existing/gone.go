package existing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// goneTimeout is how long the objects of one kind may take to go. Namespaces take longest, with pods that end in
// their own time and volumes that a cloud takes back.
const goneTimeout = 5 * time.Minute

// remove deletes objects of a kind and waits until they are gone. each, if not nil, is called with every object
// before it is deleted, and again whenever one that is still there has changed.
func (r *remover) remove(
	ctx context.Context, k kind, objects []metav1.PartialObjectMetadata, policy metav1.DeletionPropagation,
	each func(*metav1.PartialObjectMetadata) error,
) error {
	if each == nil {
		each = func(*metav1.PartialObjectMetadata) error { return nil }
	}
	err := forEach(objects, func(obj metav1.PartialObjectMetadata) error {
		if err := each(&obj); err != nil {
			return err
		}
		resource := r.metadata.Resource(k.GroupVersionResource).Namespace(obj.Namespace)
		err := resource.Delete(ctx, obj.Name, metav1.DeleteOptions{
			PropagationPolicy: &policy, Preconditions: metav1.NewUIDPreconditions(string(obj.UID)),
		})
		// A conflict means that another object has the name now.
		if err != nil && !isGone(err) && !apierrors.IsConflict(err) {
			return fmt.Errorf("deleting %s: %w", describeObject(k, &obj), err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A namespace at a time: the account may have rights in those alone.
	spread := map[string][]metav1.PartialObjectMetadata{}
	for _, obj := range objects {
		spread[obj.Namespace] = append(spread[obj.Namespace], obj)
	}
	return forEach(byName(spread), func(namespace string) error {
		return r.awaitGone(ctx, k, namespace, spread[namespace], each)
	})
}

// strip takes the finalizers off an object, before it is deleted: who has set them must not see the deletion, or
// would begin what they are for.
func (r *remover) strip(ctx context.Context, k kind, obj *metav1.PartialObjectMetadata) error {
	if len(obj.Finalizers) == 0 {
		return nil
	}
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	_, err := r.metadata.Resource(k.GroupVersionResource).Namespace(obj.Namespace).Patch(
		ctx, obj.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !isGone(err) {
		return fmt.Errorf("taking the finalizers %s off %s: %w", strings.Join(obj.Finalizers, ", "),
			describeObject(k, obj), err)
	}
	return nil
}

// awaitGone watches a namespace until none of the objects is there. Those that still are get shown to each, whenever
// they change.
func (r *remover) awaitGone(
	ctx context.Context, k kind, namespace string, objects []metav1.PartialObjectMetadata,
	each func(*metav1.PartialObjectMetadata) error,
) error {
	bounded, cancel := context.WithTimeoutCause(ctx, goneTimeout, fmt.Errorf("not done after %s", goneTimeout))
	defer cancel()
	remaining := map[types.UID]*metav1.PartialObjectMetadata{}
	for i := range objects {
		remaining[objects[i].UID] = &objects[i]
	}
	for len(remaining) > 0 {
		err := r.watchGone(bounded, k, namespace, remaining, each)
		switch {
		case isGone(err):
			return nil // the kind is
		case bounded.Err() != nil:
			return r.stuck(ctx, k, slices.Collect(maps.Values(remaining)), context.Cause(bounded))
		case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), errors.As(err, new(*eachError)):
			return err
		case err != nil:
			// The API server restarts, or the watch has become too old: look again from the start.
			again := time.NewTimer(100 * time.Millisecond)
			select {
			case <-bounded.Done():
			case <-again.C:
			}
			again.Stop()
		}
	}
	return nil
}

// eachError is one of what was to be done with an object that is still there.
type eachError struct{ error }

func (e *eachError) Unwrap() error { return e.error }

// watchGone takes the objects that are gone out of remaining, until it is empty or the watch ends.
func (r *remover) watchGone(
	ctx context.Context, k kind, namespace string, remaining map[types.UID]*metav1.PartialObjectMetadata,
	each func(*metav1.PartialObjectMetadata) error,
) error {
	resource := r.metadata.Resource(k.GroupVersionResource).Namespace(namespace)
	list, err := resource.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	present := map[types.UID]bool{}
	for i := range list.Items {
		obj := &list.Items[i]
		present[obj.UID] = true
		if err := update(remaining, obj, each); err != nil {
			return err
		}
	}
	maps.DeleteFunc(remaining, func(uid types.UID, _ *metav1.PartialObjectMetadata) bool { return !present[uid] })
	if len(remaining) == 0 {
		return nil
	}
	r.tell(k, remaining)
	stream, err := resource.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		obj, ok := event.Object.(*metav1.PartialObjectMetadata)
		if !ok || event.Type == watch.Error {
			return fmt.Errorf("watching %s: %w", k.GroupResource(), apierrors.FromObject(event.Object))
		}
		if event.Type == watch.Deleted {
			delete(remaining, obj.UID)
			r.tell(k, remaining)
		} else if err := update(remaining, obj, each); err != nil {
			return err
		}
		if len(remaining) == 0 {
			return nil
		}
	}
	return errors.New("the watch has ended")
}

func update(
	remaining map[types.UID]*metav1.PartialObjectMetadata, obj *metav1.PartialObjectMetadata,
	each func(*metav1.PartialObjectMetadata) error,
) error {
	if remaining[obj.UID] == nil {
		return nil
	}
	remaining[obj.UID] = obj
	if err := each(obj); err != nil {
		return &eachError{err}
	}
	return nil
}

// tell says what is waited for.
func (r *remover) tell(k kind, remaining map[types.UID]*metav1.PartialObjectMetadata) {
	if r.cluster.options.Waiting == nil || len(remaining) == 0 {
		return
	}
	var first *metav1.PartialObjectMetadata
	for _, obj := range remaining {
		if first == nil || describeObject(k, obj) < describeObject(k, first) {
			first = obj
		}
	}
	text := describeObject(k, first)
	if others := len(remaining) - 1; others > 0 {
		text += fmt.Sprintf(" and %d more", others)
	}
	r.cluster.mu.Lock()
	defer r.cluster.mu.Unlock()
	r.cluster.options.Waiting(text + " to go")
}
