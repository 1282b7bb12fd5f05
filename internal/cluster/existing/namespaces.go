package existing

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var namespaceKind = kind{GroupVersionResource: namespaceResource, Kind: "Namespace"}

// findNamespaces looks for the hub's namespaces and for those of its Beads.
func (r *remover) findNamespaces(ctx context.Context) error {
	all, err := r.list(ctx, namespaceResource, "")
	if err != nil {
		return err
	}
	r.namespaces, r.beads = map[string]metav1.PartialObjectMetadata{}, map[string]metav1.PartialObjectMetadata{}
	for _, namespace := range all {
		switch {
		case namespace.Labels[hubLabel] == r.name():
			r.namespaces[namespace.Name] = namespace
		case r.applications[trackedBy(namespaceKind, &namespace)]:
			r.beads[namespace.Name] = namespace
		}
	}
	return nil
}

// allNamespaces are the hub's and its Beads'.
func (r *remover) allNamespaces() []string { return append(byName(r.namespaces), byName(r.beads)...) }

// findGuests looks for what others run in the hub's namespaces.
func (r *remover) findGuests(ctx context.Context) error {
	r.kept = map[string][]string{}
	var lock sync.Mutex
	return forEach(r.allNamespaces(), func(name string) error {
		guests, err := r.guests(ctx, name)
		if len(guests) > 0 {
			lock.Lock()
			r.kept[name] = guests
			lock.Unlock()
		}
		return err
	})
}

// removeNamespaces removes the hub's namespaces. One that holds something of others stays, but is the hub's no more.
func (r *remover) removeNamespaces(ctx context.Context) error {
	for _, name := range byName(r.namespaces) {
		if r.doomed(name) {
			continue
		}
		_, err := r.metadata.Resource(namespaceResource).Patch(ctx, name, types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"`+hubLabel+`":null}}}`), metav1.PatchOptions{})
		if err != nil && !isGone(err) {
			return fmt.Errorf("taking the hub's label off namespace %s: %w", name, err)
		}
	}
	return r.removeDoomed(ctx, r.namespaces)
}

// removeDoomed removes those of namespaces in which nothing is anybody else's.
func (r *remover) removeDoomed(ctx context.Context, namespaces map[string]metav1.PartialObjectMetadata) error {
	var doomed []metav1.PartialObjectMetadata
	for _, name := range byName(namespaces) {
		if r.doomed(name) {
			doomed = append(doomed, namespaces[name])
		}
	}
	return r.remove(ctx, namespaceKind, doomed, metav1.DeletePropagationBackground, nil)
}
