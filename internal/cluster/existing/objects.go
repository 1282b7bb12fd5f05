package existing

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// passing are kinds of which there are many, and whose objects are never the hub's but for what they belong to.
func passing() []schema.GroupResource {
	return []schema.GroupResource{
		{Resource: "pods"}, {Resource: "events"}, {Resource: "endpoints"}, {Resource: "nodes"},
		{Group: "apps", Resource: "replicasets"}, {Group: "apps", Resource: "controllerrevisions"},
		{Group: "events.k8s.io", Resource: "events"}, {Group: "discovery.k8s.io", Resource: "endpointslices"},
		{Group: "coordination.k8s.io", Resource: "leases"},
		// They have steps of their own.
		{Resource: "namespaces"}, definitionResource.GroupResource(),
	}
}

// removeObjects removes what the hub has outside its namespaces, and then the namespaces of its Beads.
func (r *remover) removeObjects(ctx context.Context) error {
	err := forEach(r.kinds, func(k kind) error {
		if slices.Contains(passing(), k.GroupResource()) || r.defined(k) {
			return nil
		}
		objects, err := r.list(ctx, k.GroupVersionResource, "")
		if isGone(err) {
			return nil
		}
		if apierrors.IsForbidden(err) {
			r.cluster.leave("what the hub may have brought of the kind %s: this account is not allowed to list them",
				k.GroupResource())
			return nil
		}
		if err != nil {
			return err
		}
		objects = slices.DeleteFunc(objects, func(obj metav1.PartialObjectMetadata) bool {
			if obj.Namespace != "" && r.doomed(obj.Namespace) {
				return true // it goes with the namespace
			}
			return !r.mine(k, &obj) && (len(r.kept[obj.Namespace]) == 0 || !r.inPlace(k, &obj))
		})
		return r.remove(ctx, k, objects, metav1.DeletePropagationBackground, nil)
	})
	if err != nil {
		return err
	}
	if err := r.findBindings(ctx); err != nil {
		return err
	}
	return r.removeDoomed(ctx, r.beads)
}

// defined says whether a kind is one of those that the hub has defined, whose objects go with it.
func (r *remover) defined(k kind) bool {
	return slices.ContainsFunc(r.definitions, func(d definition) bool { return d.GroupResource() == k.GroupResource() })
}

// findBindings notes the roles that somebody has given to accounts of namespaces that go. Whoever made a namespace of
// that name would have them.
func (r *remover) findBindings(ctx context.Context) error {
	bindings, err := r.read(ctx, schema.GroupVersionResource{
		Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings",
	})
	if err != nil {
		return err
	}
	for _, binding := range bindings {
		subjects, _, _ := unstructured.NestedSlice(binding.Object, "subjects")
		for _, item := range subjects {
			subject, _ := item.(map[string]any)
			if namespace, _ := subject["namespace"].(string); namespace != "" && r.doomed(namespace) {
				r.cluster.leave("ClusterRoleBinding %s, which the hub did not bring: it gives a role to an account of the removed "+
					"namespace %s, and to whoever makes a namespace of that name", binding.GetName(), namespace)
			}
		}
	}
	return nil
}

// findVolumes notes the volumes that stay when the claims in the hub's namespaces go.
func (r *remover) findVolumes(ctx context.Context) error {
	volumes, err := r.read(ctx, schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumes"})
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		namespace, _, _ := unstructured.NestedString(volume.Object, "spec", "claimRef", "namespace")
		claim, _, _ := unstructured.NestedString(volume.Object, "spec", "claimRef", "name")
		policy, _, _ := unstructured.NestedString(volume.Object, "spec", "persistentVolumeReclaimPolicy")
		if policy == "Retain" && r.doomed(namespace) {
			r.volumes = append(r.volumes, fmt.Sprintf("PersistentVolume %s with the data of %s/%s, as its reclaim policy is "+
				"Retain", volume.GetName(), namespace, claim))
		}
	}
	return nil
}
