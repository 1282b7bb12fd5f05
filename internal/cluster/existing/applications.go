package existing

import (
	"context"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// rootApplication is the Application of all others.
const rootApplication = "hub"

// inCluster are the names that Argo CD has for the cluster that it runs on.
func inCluster() []string { return []string{"", "in-cluster", "https://kubernetes.default.svc"} }

// findApplications looks for the hub's Applications. There are none where Argo CD has never been, or is gone already.
func (r *remover) findApplications(ctx context.Context) error {
	r.applications = map[string]bool{}
	objects, err := r.read(ctx, applicationResource)
	if err != nil {
		if isGone(err) {
			return nil
		}
		return err
	}
	for _, obj := range objects {
		if obj.GetNamespace() != argoNamespace {
			continue
		}
		r.applications[obj.GetName()] = true
		for _, field := range []string{"server", "name"} {
			cluster, _, _ := unstructured.NestedString(obj.Object, "spec", "destination", field)
			if !slices.Contains(inCluster(), cluster) {
				r.cluster.leave("what Application %s has brought to the cluster %s: nobody looks after it from now on",
					obj.GetName(), cluster)
			}
		}
	}
	return nil
}

// calm makes Argo CD leave alone what is removed, for as long as it still runs. The root comes first, or it would put
// the others back.
func (r *remover) calm(ctx context.Context) error {
	names := byName(r.applications)
	if r.applications[rootApplication] {
		if err := r.halt(ctx, rootApplication); err != nil {
			return err
		}
	}
	// Sets go without the Applications that they have made: by these it is known what those have brought.
	sets, err := r.list(ctx, setResource, argoNamespace)
	if err != nil && !isGone(err) {
		return err
	}
	if r.has(components()[0]) {
		k := kind{GroupVersionResource: setResource, Kind: "ApplicationSet", Namespaced: true}
		err := r.remove(ctx, k, sets, metav1.DeletePropagationOrphan, nil)
		if err != nil {
			return err
		}
	}
	return forEach(names, func(name string) error { return r.halt(ctx, name) })
}

// halt ends what Argo CD is doing for an Application, and does not let it begin again.
func (r *remover) halt(ctx context.Context, name string) error {
	patch := []byte(`{"operation":null,"spec":{"syncPolicy":{"automated":null}}}`)
	_, err := r.dynamic.Resource(applicationResource).Namespace(argoNamespace).Patch(
		ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !isGone(err) {
		return fmt.Errorf("halting application %s: %w", name, err)
	}
	return nil
}

// removeApplications removes Argo CD's own kinds. What Applications have brought is gone: they have nothing more to do.
func (r *remover) removeApplications(ctx context.Context) error {
	return r.purge(ctx, slices.DeleteFunc(slices.Clone(r.definitions), func(d definition) bool { return !isArgo(d) }))
}
