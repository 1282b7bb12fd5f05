package existing

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/back-stack/backstack/internal/kube"
)

// workloadKinds are the kinds that run something.
func workloadKinds(kinds []kind) []kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k kind) bool {
		return !slices.Contains(workloadResources(), k.GroupVersionResource)
	})
}

// rounds is how often programs are stopped: one that ends may have started another meanwhile.
const rounds = 3

// stop removes the programs of the hub and waits until they have ended.
func (r *remover) stop(ctx context.Context) error {
	for range rounds {
		stopped := 0
		for _, k := range workloadKinds(r.kinds) {
			running, err := r.programs(ctx, k)
			if err != nil {
				return err
			}
			stopped += len(running)
			// In the foreground a workload is there for as long as one of its pods.
			if err := r.remove(ctx, k, running, metav1.DeletePropagationForeground, nil); err != nil {
				return err
			}
		}
		if stopped == 0 {
			return nil
		}
	}
	return nil
}

// programs returns the workloads of a kind that are the hub's, but for those that belong to another workload.
func (r *remover) programs(ctx context.Context, k kind) ([]metav1.PartialObjectMetadata, error) {
	var programs []metav1.PartialObjectMetadata
	for _, namespace := range r.allNamespaces() {
		objects, err := r.list(ctx, k.GroupVersionResource, namespace)
		if err != nil {
			return nil, err
		}
		for _, obj := range objects {
			if !ownedByWorkload(&obj) && (r.doomed(namespace) || r.inPlace(k, &obj)) {
				programs = append(programs, obj)
			}
		}
	}
	return programs, nil
}

// ownedByWorkload says whether another workload has made an object, and ends it.
func ownedByWorkload(obj *metav1.PartialObjectMetadata) bool {
	owner := metav1.GetControllerOf(obj)
	return owner != nil && slices.Contains([]string{"v1", "apps/v1", "batch/v1"}, owner.APIVersion)
}

// inPlace says whether an object in one of the hub's namespaces is the hub's: what mine says, or that Argo CD or
// backstack has applied it.
func (r *remover) inPlace(k kind, obj *metav1.PartialObjectMetadata) bool {
	return r.mine(k, obj) || managedBy(obj, kube.Backstack, kube.ArgoCD)
}

// guests returns the workloads in a namespace that are not the hub's.
func (r *remover) guests(ctx context.Context, namespace string) ([]string, error) {
	var guests []string
	for _, k := range workloadKinds(r.kinds) {
		objects, err := r.list(ctx, k.GroupVersionResource, namespace)
		if err != nil {
			return nil, fmt.Errorf("looking for what is not the hub's in namespace %s: %w", namespace, err)
		}
		for i := range objects {
			if obj := &objects[i]; !ownedByWorkload(obj) && !r.inPlace(k, obj) {
				guests = append(guests, k.Kind+" "+obj.Name)
			}
		}
	}
	return guests, nil
}
