package existing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// definition is a custom resource definition of the hub's.
type definition struct {
	kind                                    // what it defines
	meta       metav1.PartialObjectMetadata // its own
	categories []string                     // of its kind
	converts   bool                         // whether a webhook converts between the versions of its kind
}

// findDefinitions looks for the definitions of the components' kinds, and for those that Crossplane and the hub's
// Applications have brought.
func (r *remover) findDefinitions(ctx context.Context) error {
	objects, err := r.read(ctx, definitionResource)
	if err != nil {
		return err
	}
	for i := range objects {
		d, err := newDefinition(&objects[i])
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(components(), func(c component) bool { return c.defines(d.meta.Name) && r.has(c) })
		if known || d.own() && isMarked(&d.meta, r.name()) || r.mine(definitionKind, &d.meta) {
			r.definitions = append(r.definitions, d)
		}
	}
	return nil
}

// own says whether the kind is one of a component's own, and not one that Crossplane or a Bead has brought.
func (d definition) own() bool {
	return slices.ContainsFunc(components(), func(c component) bool { return c.defines(d.meta.Name) })
}

// in says whether the kind is in a category.
func (d definition) in(category string) bool { return slices.Contains(d.categories, category) }

func newDefinition(obj *unstructured.Unstructured) (definition, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, &crd); err != nil {
		return definition{}, fmt.Errorf("reading the definition %s: %w", obj.GetName(), err)
	}
	d := definition{meta: metaOf(obj), categories: crd.Spec.Names.Categories}
	d.Group, d.Resource, d.Kind = crd.Spec.Group, crd.Spec.Names.Plural, crd.Spec.Names.Kind
	d.Namespaced = crd.Spec.Scope == apiextensionsv1.NamespaceScoped
	d.converts = crd.Spec.Conversion != nil && crd.Spec.Conversion.Strategy == apiextensionsv1.WebhookConverter
	for _, version := range crd.Spec.Versions {
		if version.Served && (d.Version == "" || version.Storage) {
			d.Version = version.Name
		}
	}
	return d, nil
}

// metaOf is the metadata of a whole object.
func metaOf(obj *unstructured.Unstructured) metav1.PartialObjectMetadata {
	return metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: obj.GetName(), Namespace: obj.GetNamespace(), UID: obj.GetUID(), Labels: obj.GetLabels(),
		Annotations: obj.GetAnnotations(), OwnerReferences: obj.GetOwnerReferences(), Finalizers: obj.GetFinalizers(),
		ManagedFields: obj.GetManagedFields(), DeletionTimestamp: obj.GetDeletionTimestamp(),
	}}
}

// removeDefinitions removes the hub's kinds with all their objects, but for Argo CD's.
func (r *remover) removeDefinitions(ctx context.Context) error {
	return r.purge(ctx, slices.DeleteFunc(slices.Clone(r.definitions), isArgo))
}

// isArgo says whether a definition is of one of Argo CD's own kinds.
func isArgo(d definition) bool { return components()[0].defines(d.meta.Name) }

// purge removes definitions with their objects. Whoever would take finalizers off the objects does not run any more.
func (r *remover) purge(ctx context.Context, definitions []definition) error {
	if err := forEach(definitions, func(d definition) error { return r.unconvert(ctx, d) }); err != nil {
		return err
	}
	// What people made comes first: with the object of Crossplane's that has brought a definition, Kubernetes would delete
	// the definition and everything of its kind, finalizers or not.
	for _, own := range []bool{false, true} {
		err := forEach(definitions, func(d definition) error {
			if d.own() != own {
				return nil
			}
			return r.empty(ctx, d.kind)
		})
		if err != nil {
			return err
		}
	}
	metas := make([]metav1.PartialObjectMetadata, len(definitions))
	for i, d := range definitions {
		metas[i] = d.meta
	}
	// An object that was made meanwhile is deleted by the API server with its definition, unless a finalizer holds it.
	release := func(obj *metav1.PartialObjectMetadata) error {
		at := slices.IndexFunc(definitions, func(d definition) bool { return d.meta.UID == obj.UID })
		if obj.DeletionTimestamp == nil {
			return nil
		}
		return r.stripAll(ctx, definitions[at].kind)
	}
	return r.remove(ctx, definitionKind, metas, metav1.DeletePropagationBackground, release)
}

var definitionKind = kind{GroupVersionResource: definitionResource, Kind: "CustomResourceDefinition"}

// stripAll takes the finalizers off all objects of a kind.
func (r *remover) stripAll(ctx context.Context, k kind) error {
	objects, err := r.objectsOf(ctx, k)
	if err != nil {
		return err
	}
	return forEach(objects, func(obj metav1.PartialObjectMetadata) error { return r.strip(ctx, k, &obj) })
}

// objectsOf lists the objects of a kind that may be gone.
func (r *remover) objectsOf(ctx context.Context, k kind) ([]metav1.PartialObjectMetadata, error) {
	if k.Version == "" {
		return nil, nil // no version is served, so its objects cannot be asked for
	}
	objects, err := r.list(ctx, k.GroupVersionResource, "")
	if isGone(err) {
		return nil, nil
	}
	return objects, err
}

// unconvert makes the API server return the objects of a kind as they are stored: a webhook that does not run cannot
// convert them, and then they can neither be listed nor deleted.
func (r *remover) unconvert(ctx context.Context, d definition) error {
	if !d.converts {
		return nil
	}
	patch := []byte(`{"spec":{"conversion":{"strategy":"None","webhook":null}}}`)
	_, err := r.dynamic.Resource(definitionResource).Patch(
		ctx, d.meta.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("ending the conversion of %s: %w", d.meta.Name, err)
	}
	return nil
}

// empty removes all objects of a kind.
func (r *remover) empty(ctx context.Context, k kind) error {
	objects, err := r.objectsOf(ctx, k)
	if err != nil {
		return err
	}
	return r.remove(ctx, k, objects, metav1.DeletePropagationBackground, func(obj *metav1.PartialObjectMetadata) error {
		return r.strip(ctx, k, obj)
	})
}

// isGone says whether an error means that an object, or its kind, is not there.
func isGone(err error) bool {
	return err != nil && (apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) ||
		strings.Contains(err.Error(), "the server could not find the requested resource"))
}
