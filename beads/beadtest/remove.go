package beadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/internal/kube"
)

// collector is on whose behalf things are deleted: the account that deletes what belongs to something that is gone. It
// may delete everything, and policies that guard what the platform made let it.
func collector() *User {
	return &User{
		User:   "system:serviceaccount:kube-system:generic-garbage-collector",
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"},
	}
}

// clear removes everything that was brought to the hub, in an order in which nothing waits for what is gone already.
func (s *stage) clear(ctx context.Context) error {
	if err := s.tidy(ctx); err != nil {
		return err
	}
	if err := s.withdraw(ctx, s.brought); err != nil {
		return err
	}
	if _, err := s.client.RemoveGenerated(ctx, kube.GeneratingPolicies(s.brought)); err != nil {
		return err
	}
	if err := s.withdraw(ctx, s.schemas); err != nil {
		return err
	}
	s.brought, s.schemas = nil, nil
	return nil
}

// tidy removes what the last tests brought: their claims with what they composed, then what was given.
func (s *stage) tidy(ctx context.Context) error {
	remove := func(object *unstructured.Unstructured) error { return s.dismantle(ctx, object) }
	if err := each(s.claims, remove); err != nil {
		return fmt.Errorf("cleaning up after a test: %w", err)
	}
	s.claims = nil
	for len(s.given) > 0 {
		last := len(s.given) - 1
		if err := remove(s.given[last]); err != nil {
			return fmt.Errorf("cleaning up after a test: %w", err)
		}
		s.given = s.given[:last]
	}
	return nil
}

// withdraw removes objects of a Bead: first those of kinds that others of them define. By now no claim is left that
// would need any of the others.
func (s *stage) withdraw(ctx context.Context, objects []*unstructured.Unstructured) error {
	defined := definedKinds(objects)
	isOwn := func(object *unstructured.Unstructured) bool { return defined[object.GroupVersionKind().GroupKind()] }
	isOther := func(object *unstructured.Unstructured) bool { return !isOwn(object) }
	for _, part := range [][]*unstructured.Unstructured{filter(objects, isOwn), filter(objects, isOther)} {
		err := each(part, func(object *unstructured.Unstructured) error { return s.dismantle(ctx, object) })
		if err != nil {
			return err
		}
	}
	return nil
}

// dismantle deletes an object with what it composed, if it is one that was brought by a test, and waits until all of
// that is gone.
func (s *stage) dismantle(ctx context.Context, object *unstructured.Unstructured) error {
	live, err := s.find(ctx, object)
	if err != nil || live == nil {
		return err
	}
	if !ours(live) {
		return nil
	}
	composed, err := s.composedBy(ctx, live)
	if err != nil {
		return err
	}
	if err := s.delete(ctx, live); err != nil {
		return err
	}
	// The cluster would delete these by itself, half a minute later where their owner is of a new kind.
	for _, level := range composed {
		if err := each(level, func(part *unstructured.Unstructured) error { return s.raze(ctx, part) }); err != nil {
			return err
		}
	}
	if !isA(object, kindXRD) {
		return nil
	}
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": kindCRD, "metadata": map[string]any{"name": object.GetName()},
	}}
	return s.awaitGone(ctx, definition)
}

// find reads an object; nil if there is none, or nothing that defines its kind.
func (s *stage) find(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	mapping, err := s.kind(object)
	if unknown := new(unknownKindError); errors.As(err, &unknown) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	settle(object, mapping)
	live, err := resource(s.client.Dynamic(), mapping, object).Get(ctx, object.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", kube.Describe(object), err)
	}
	return live, nil
}

// delete deletes an object and waits until it is gone.
func (s *stage) delete(ctx context.Context, live *unstructured.Unstructured) error {
	mapping, err := s.kind(live)
	if unknown := new(unknownKindError); errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return err
	}
	client, err := s.as(collector())
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	err = resource(client, mapping, live).Delete(ctx, live.GetName(), metav1.DeleteOptions{PropagationPolicy: &background})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deleting %s: %w", kube.Describe(live), err)
	}
	if isA(live, "Namespace") {
		return nil // the cluster takes five seconds over each, whatever is in it, and needs nobody to wait for that
	}
	return s.awaitGone(ctx, live)
}

// raze deletes what was composed, and what takes its place: whoever composed it may have been about to do so again.
func (s *stage) raze(ctx context.Context, part *unstructured.Unstructured) error {
	for part != nil {
		if err := s.delete(ctx, part); err != nil || isA(part, "Namespace") {
			return err
		}
		again, err := s.find(ctx, part)
		if err != nil {
			return err
		}
		part = again
	}
	return nil
}

var namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}

// awaitFaded waits until the namespaces are gone that are being deleted and that a test is about again.
func (s *stage) awaitFaded(ctx context.Context, t Test) error {
	about := make(map[string]bool)
	for _, content := range t.objects() {
		object := &unstructured.Unstructured{Object: content}
		about[object.GetNamespace()] = true
		if isA(object, "Namespace") {
			about[object.GetName()] = true
		}
	}
	return s.client.Until(ctx, namespaces, "", func(present []*unstructured.Unstructured) (bool, string) {
		for _, namespace := range present {
			if about[namespace.GetName()] && namespace.GetDeletionTimestamp() != nil {
				return false, kube.Describe(namespace) + " to be gone, which is being deleted"
			}
		}
		return true, ""
	}, nil)
}

// awaitGone waits until there is no such object; one that has taken its place is another.
func (s *stage) awaitGone(ctx context.Context, object *unstructured.Unstructured) error {
	mapping, err := s.kind(object)
	if unknown := new(unknownKindError); errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.client.Until(ctx, mapping.Resource, object.GetNamespace(), func(
		present []*unstructured.Unstructured,
	) (bool, string) {
		for _, live := range present {
			another := object.GetUID() != "" && live.GetUID() != object.GetUID()
			if live.GetName() == object.GetName() && !another {
				return false, fmt.Sprintf("%s to be gone%s", kube.Describe(object), holding(live))
			}
		}
		return true, ""
	}, nil)
}

// holding says what keeps an object that is being deleted.
func holding(live *unstructured.Unstructured) string {
	if finalizers := live.GetFinalizers(); len(finalizers) > 0 {
		return fmt.Sprintf(", which waits for finalizers %v", finalizers)
	}
	return ""
}

// composedBy returns all that a claim composed, then what that composed in turn, and so on.
func (s *stage) composedBy(ctx context.Context, live *unstructured.Unstructured) ([][]*unstructured.Unstructured, error) {
	var levels [][]*unstructured.Unstructured
	seen := map[types.UID]bool{live.GetUID(): true}
	for above := []*unstructured.Unstructured{live}; ; {
		var level []*unstructured.Unstructured
		for _, composite := range above {
			for _, reference := range references(composite) {
				part, err := s.find(ctx, reference)
				if err != nil {
					return nil, err
				}
				if part != nil && !seen[part.GetUID()] && owns(composite, part) {
					seen[part.GetUID()] = true
					level = append(level, part)
				}
			}
		}
		if len(level) == 0 {
			return levels, nil
		}
		levels, above = append(levels, level), level
	}
}

// owns says whether a part belongs to what composed it: something that was there before does not.
func owns(composite, part *unstructured.Unstructured) bool {
	return slices.ContainsFunc(part.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
		return owner.UID == composite.GetUID()
	})
}

// references are what a composite says it is composed of: in spec.crossplane, or in spec where it is of the older kind.
func references(composite *unstructured.Unstructured) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, path := range [][]string{{"spec", "crossplane", "resourceRefs"}, {"spec", "resourceRefs"}} {
		items, _, _ := unstructured.NestedSlice(composite.Object, path...)
		for _, item := range items {
			content, _ := item.(map[string]any)
			reference := new(unstructured.Unstructured)
			reference.SetAPIVersion(fmt.Sprint(content["apiVersion"]))
			reference.SetKind(fmt.Sprint(content["kind"]))
			name, _ := content["name"].(string)
			namespace, _ := content["namespace"].(string)
			if name == "" {
				continue
			}
			if namespace == "" {
				namespace = composite.GetNamespace()
			}
			reference.SetName(name)
			reference.SetNamespace(namespace)
			found = append(found, reference)
		}
	}
	return found
}
