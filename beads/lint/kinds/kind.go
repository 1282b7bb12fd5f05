// Package kinds knows the schemas of the kinds of objects that a Bead can bring or compose: Kubernetes' own, those of a
// hub's components, those that a Bead defines, and those of custom resource definitions in a folder. It answers whether
// a kind exists, which fields it has, and what an object of it has against its schema. It reads no cluster.
package kinds

import (
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Scope says whether objects of a kind are in a namespace.
type Scope string

// The scopes of kinds.
const (
	Namespaced   Scope = "Namespaced"
	ClusterWide  Scope = "Cluster"
	UnknownScope Scope = ""
)

// Kind is a kind whose fields are known.
type Kind struct {
	schema.GroupVersionKind
	Plural string
	Scope  Scope

	schema *structural.Structural // of a whole object, metadata included
	own    *structural.Structural // as the definition has it, for its rules
	props  *apiextensions.JSONSchemaProps

	types struct {
		sync.Once
		validate validation.SchemaValidator
		err      error
	}
	rules struct {
		sync.Once
		validate *cel.Validator // nil if the schema has no rules
	}
}

// Both validators are made when they are first needed, for that takes most of the time, and many kinds are only looked
// into.

// typeValidator judges fields and their values.
func (k *Kind) typeValidator() (validation.SchemaValidator, error) {
	k.types.Do(func() { k.types.validate, _, k.types.err = validation.NewSchemaValidator(k.props) })
	return k.types.validate, k.types.err
}

// ruleValidator judges by the schema's rules (x-kubernetes-validations).
func (k *Kind) ruleValidator() *cel.Validator {
	k.rules.Do(func() { k.rules.validate = cel.NewValidator(k.own, true, celconfig.PerCallLimit) })
	return k.rules.validate
}

// newKind returns the kind with a schema.
func newKind(
	gvk schema.GroupVersionKind, plural string, scope Scope, v1 *apiextensionsv1.JSONSchemaProps,
) (*Kind, error) {
	props, own, err := convert(v1)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", gvk.Kind, err)
	}
	whole := *own
	whole.Properties = make(map[string]structural.Structural, len(own.Properties)+3)
	for name, property := range own.Properties {
		whole.Properties[name] = property
	}
	text := structural.Structural{Generic: structural.Generic{Type: "string"}}
	whole.Properties["apiVersion"], whole.Properties["kind"] = text, text
	if whole.Properties["metadata"], err = objectMeta(); err != nil {
		return nil, err
	}
	return &Kind{GroupVersionKind: gvk, Plural: plural, Scope: scope, schema: &whole, own: own, props: props}, nil
}

// convert returns a schema in the two forms in which the API server uses it.
func convert(v1 *apiextensionsv1.JSONSchemaProps) (*apiextensions.JSONSchemaProps, *structural.Structural, error) {
	props := new(apiextensions.JSONSchemaProps)
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(v1, props, nil); err != nil {
		return nil, nil, err
	}
	own, err := structural.NewStructural(props)
	return props, own, err
}
