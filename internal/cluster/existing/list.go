package existing

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/pager"

	"github.com/back-stack/backstack/internal/kube"
)

// list reads the metadata of all objects of a kind in namespace, or in all if it is empty, in pieces of a bounded size.
func (a *apiServer) list(
	ctx context.Context, resource schema.GroupVersionResource, namespace string,
) ([]metav1.PartialObjectMetadata, error) {
	var objects []metav1.PartialObjectMetadata
	pages := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return a.metadata.Resource(resource).Namespace(namespace).List(ctx, options)
	})
	err := pages.EachListItemWithAlloc(ctx, metav1.ListOptions{}, func(obj runtime.Object) error {
		object, ok := obj.(*metav1.PartialObjectMetadata)
		if !ok {
			return fmt.Errorf("it is a %T", obj)
		}
		objects = append(objects, *object)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", resource.GroupResource(), err)
	}
	return objects, nil
}

// read reads all objects of a kind whole.
func (a *apiServer) read(
	ctx context.Context, resource schema.GroupVersionResource,
) ([]unstructured.Unstructured, error) {
	list, err := a.dynamic.Resource(resource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", resource.GroupResource(), err)
	}
	return list.Items, nil
}

type kind = kube.Kind

// kinds returns every kind whose objects can be listed and deleted.
func (a *apiServer) kinds() ([]kind, error) {
	kinds, err := kube.DeletableKinds(a.discovery)
	if err != nil {
		return nil, fmt.Errorf("asking %s which kinds it serves: %w", a.server, err)
	}
	return kinds, nil
}

// forEach calls do for all items, several at once, and returns all faults.
func forEach[T any](items []T, do func(T) error) error {
	faults := make([]error, len(items))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, item := range items {
		group.Go(func() error {
			faults[i] = do(item)
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(faults...)
}
