package kinds

import (
	"fmt"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Definition is what defines a kind in one or more versions.
type Definition struct {
	Group    string
	Kind     string
	Plural   string
	Scope    Scope
	versions []apiextensionsv1.CustomResourceDefinitionVersion
}

// FromCRD returns what a custom resource definition defines.
func FromCRD(crd *apiextensionsv1.CustomResourceDefinition) *Definition {
	return &Definition{
		Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind, Plural: crd.Spec.Names.Plural, Scope: Scope(crd.Spec.Scope),
		versions: crd.Spec.Versions,
	}
}

// Served lists the versions in which objects can be asked for.
func (d *Definition) Served() []string {
	var served []string
	for _, version := range d.versions {
		if version.Served {
			served = append(served, version.Name)
		}
	}
	return served
}

// version returns the kind in one version, nil if that is not served.
func (d *Definition) version(name string) (*Kind, error) {
	for _, version := range d.versions {
		if version.Name != name || !version.Served {
			continue
		}
		if version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
			return nil, fmt.Errorf("version %s of %s has no schema", name, d.Kind)
		}
		gvk := schema.GroupVersionKind{Group: d.Group, Version: name, Kind: d.Kind}
		return newKind(gvk, d.Plural, d.Scope, version.Schema.OpenAPIV3Schema)
	}
	return nil, nil
}
