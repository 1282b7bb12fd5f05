package render

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/helm"
)

// trackingAnnotation says which Application an object belongs to.
const trackingAnnotation = "argocd.argoproj.io/tracking-id"

// policiesName is the name of the Application of the policies, rootName that of the root, and rootNamespace where it is.
const (
	policiesName  = "policies"
	rootName      = "hub"
	rootNamespace = "argocd"
)

// Component returns the objects of a component's chart in hub.git exactly as Argo CD applies them, in the order of
// installation. Who applies them first, as Argo CD's field manager, leaves Argo CD nothing to change.
func Component(tree Tree, name string) ([]*unstructured.Unstructured, error) {
	component, ok := charts.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("rendering component %q: it has no chart", name)
	}
	objects, err := Chart(tree, componentDir(name), component.Namespace)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		track(object, name, component.Namespace)
	}
	return objects, nil
}

// Policies returns what hub.git has in policies/ exactly as the Application of that name applies it; none without Kyverno.
func Policies(tree Tree) ([]*unstructured.Unstructured, error) {
	kyverno, _ := charts.Lookup(spec.Kyverno)
	return objectsIn(tree, "policies", policiesName, kyverno.Namespace)
}

// objectsIn returns the objects in the YAML files below a folder, marked as those of an Application.
func objectsIn(tree Tree, dir, application, namespace string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	for path, content := range tree.Sub(dir).All() {
		if !strings.HasSuffix(path, ".yaml") {
			continue
		}
		object, err := helm.Object(content)
		if err != nil {
			return nil, fmt.Errorf("reading %s/%s: %w", dir, path, err)
		}
		track(object, application, namespace)
		objects = append(objects, object)
	}
	return objects, nil
}

// Applications returns what hub.git has in apps/, exactly as the root Application applies it. The root itself comes
// last: it is there when everything else is.
func Applications(tree Tree) ([]*unstructured.Unstructured, error) {
	all, err := objectsIn(tree, "apps", rootName, rootNamespace)
	if err != nil {
		return nil, err
	}
	var root *unstructured.Unstructured
	var objects []*unstructured.Unstructured
	for _, object := range all {
		if object.GetKind() == "Application" && object.GetName() == rootName {
			root = object
			continue
		}
		objects = append(objects, object)
	}
	if root == nil {
		return nil, fmt.Errorf("reading apps: there is no Application %s: want the root", rootName)
	}
	return append(objects, root), nil
}

// track marks an object as an Application's, whose destination is namespace. The format is Argo CD's:
// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/. Argo CD marks everything but definitions of
// kinds.
func track(object *unstructured.Unstructured, application, namespace string) {
	if object.GetKind() == "CustomResourceDefinition" {
		return
	}
	if own := object.GetNamespace(); own != "" {
		namespace = own
	}
	kind := object.GroupVersionKind()
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = make(map[string]string)
	}
	annotations[trackingAnnotation] = fmt.Sprintf("%s:%s/%s:%s/%s",
		application, kind.Group, kind.Kind, namespace, object.GetName())
	object.SetAnnotations(annotations)
}
