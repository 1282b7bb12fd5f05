package kinds

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// xrd is a CompositeResourceDefinition (apiextensions.crossplane.io/v2), as far as it defines a kind.
type xrd struct {
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Spec struct {
		Group    string                                        `json:"group"`
		Scope    string                                        `json:"scope"`
		Names    apiextensionsv1.CustomResourceDefinitionNames `json:"names"`
		Versions []xrdVersion                                  `json:"versions"`
	} `json:"spec"`
}

type xrdVersion struct {
	Name          string                                    `json:"name"`
	Served        bool                                      `json:"served"`
	Referenceable bool                                      `json:"referenceable"`
	Schema        *apiextensionsv1.CustomResourceValidation `json:"schema"`
}

// FromXRD returns the custom resource definition that Crossplane makes of a CompositeResourceDefinition. The error says
// that this is none.
func FromXRD(object map[string]any) (*apiextensionsv1.CustomResourceDefinition, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var from xrd
	if err := json.Unmarshal(text, &from); err != nil {
		return nil, fmt.Errorf("reading the definition: %w", err)
	}
	crd := new(apiextensionsv1.CustomResourceDefinition)
	crd.Name = from.Metadata.Name
	crd.Spec.Group, crd.Spec.Names = from.Spec.Group, from.Spec.Names
	if crd.Spec.Names.Singular == "" {
		crd.Spec.Names.Singular = strings.ToLower(crd.Spec.Names.Kind)
	}
	if crd.Spec.Names.ListKind == "" {
		crd.Spec.Names.ListKind = crd.Spec.Names.Kind + "List"
	}
	crd.Spec.Scope = apiextensionsv1.NamespaceScoped // the default of v2
	if from.Spec.Scope != "" && from.Spec.Scope != string(Namespaced) {
		crd.Spec.Scope = apiextensionsv1.ClusterScoped
	}
	crd.Spec.Conversion = &apiextensionsv1.CustomResourceConversion{Strategy: apiextensionsv1.NoneConverter}
	for _, version := range from.Spec.Versions {
		crd.Spec.Versions = append(crd.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{
			Name: version.Name, Served: version.Served, Storage: version.Referenceable, Schema: composite(version.Schema),
		})
	}
	return crd, nil
}

// composite adds to a version's schema what Crossplane adds.
func composite(given *apiextensionsv1.CustomResourceValidation) *apiextensionsv1.CustomResourceValidation {
	whole := apiextensionsv1.JSONSchemaProps{Type: "object", Required: []string{"spec"}}
	whole.Properties = map[string]apiextensionsv1.JSONSchemaProps{
		"apiVersion": {Type: "string"}, "kind": {Type: "string"}, "metadata": {Type: "object"},
	}
	var own apiextensionsv1.JSONSchemaProps
	if given != nil && given.OpenAPIV3Schema != nil {
		own = *given.OpenAPIV3Schema
	}
	whole.XValidations = own.XValidations
	whole.Properties["spec"] = with(own.Properties["spec"],
		map[string]apiextensionsv1.JSONSchemaProps{"crossplane": preserved()})
	whole.Properties["status"] = with(own.Properties["status"], map[string]apiextensionsv1.JSONSchemaProps{
		"crossplane": preserved(), "conditions": conditions(),
	})
	return &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &whole}
}

// props is a schema.
type props = apiextensionsv1.JSONSchemaProps

// with returns spec's or status' schema with Crossplane's own properties, as far as Crossplane takes it over.
func with(given props, own map[string]props) props {
	properties := maps.Clone(given.Properties)
	if properties == nil {
		properties = make(map[string]apiextensionsv1.JSONSchemaProps)
	}
	maps.Copy(properties, own)
	return apiextensionsv1.JSONSchemaProps{
		Type: "object", Required: given.Required, XPreserveUnknownFields: given.XPreserveUnknownFields,
		XValidations: given.XValidations, OneOf: given.OneOf, Properties: properties,
	}
}

// preserved is an object with any fields.
func preserved() apiextensionsv1.JSONSchemaProps {
	yes := true
	return apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &yes}
}

func conditions() apiextensionsv1.JSONSchemaProps {
	condition := preserved()
	return apiextensionsv1.JSONSchemaProps{
		Type: "array", Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &condition},
	}
}
