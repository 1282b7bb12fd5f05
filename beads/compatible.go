package beads

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/kube"
)

// compatible refuses a version of a Bead whose definitions what people asked for does not fit: a kind that is gone, or
// that has moved, a version that is gone, a field that is gone or has become another.
func (h *Hub) compatible(ctx context.Context, c *candidate, there Installed) error {
	values, err := c.Values(c.given, "parameters")
	if err != nil {
		return &hub.RequestError{Err: err}
	}
	rendered, err := c.Render(ctx, h.hubView(), values, h.Charts)
	if err != nil {
		return &hub.RequestError{Err: err}
	}
	next := make(map[string]*unstructured.Unstructured)
	for _, m := range rendered.Objects() {
		if m.Object.GetKind() == definition {
			next[m.Object.GetName()] = m.Object
		}
	}
	objects, err := applied(there.Files)
	if err != nil {
		return err
	}
	var faults []string
	for _, old := range objects {
		if old.GetKind() != definition {
			continue
		}
		claims, err := h.instances(ctx, old)
		if err != nil {
			return err
		}
		if len(claims) > 0 {
			faults = append(faults, breaks(old, next[old.GetName()], claims)...)
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &hub.RefusedError{Err: fmt.Errorf("bead %s %s defines kinds in a way that what people asked for does not fit:\n  %s\n"+
		"serve the old version beside the new one, or change what people asked for first", c.Metadata.Name, c.Spec.Version,
		strings.Join(faults, "\n  "))}
}

// breaks lists what of the claims does not fit a new definition, which is nil if there is none any more.
func breaks(old, next *unstructured.Unstructured, claims []*unstructured.Unstructured) []string {
	if next == nil {
		return []string{fmt.Sprintf("%s is gone, and there is %s", old.GetName(), kube.Describe(claims[0]))}
	}
	text := func(object *unstructured.Unstructured, path ...string) string {
		value, _, _ := unstructured.NestedString(object.Object, path...)
		return value
	}
	for _, path := range [][]string{{"spec", "scope"}, {"spec", "names", "kind"}} {
		if was, is := text(old, path...), text(next, path...); was != is {
			return []string{fmt.Sprintf("%s: %s was %s and would be %s", old.GetName(), strings.Join(path, "."), was, is)}
		}
	}
	var faults []string
	for _, claim := range claims {
		faults = append(faults, unfit(next, claim)...)
	}
	return faults
}

// unfit lists what of a claim does not fit a definition.
func unfit(xrd, claim *unstructured.Unstructured) []string {
	versions := definedVersions(xrd)
	wanted := claim.GroupVersionKind().Version
	at := slices.IndexFunc(versions, func(v map[string]any) bool { return v["name"] == wanted && v["served"] == true })
	if at < 0 {
		return []string{fmt.Sprintf("%s is of version %s, which %s no longer serves", kube.Describe(claim), wanted, xrd.GetName())}
	}
	schema, structural, err := specSchema(versions[at])
	if err != nil {
		return []string{fmt.Sprintf("%s: the schema of version %s cannot be read: %v", xrd.GetName(), wanted, err)}
	}
	spec, _, _ := unstructured.NestedMap(claim.Object, "spec")
	delete(spec, "crossplane") // Crossplane adds it to every schema
	if spec == nil {
		spec = map[string]any{}
	}
	var faults []string
	pruned := pruning.PruneWithOptions(runtime.DeepCopyJSON(spec), structural, false, structuralschema.UnknownFieldPathOptions{
		TrackUnknownFieldPaths: true,
	})
	for _, path := range pruned {
		faults = append(faults, fmt.Sprintf("%s: spec.%s would be lost", kube.Describe(claim), path))
	}
	defaulting.Default(spec, structural)
	validator, _, err := validation.NewSchemaValidator(schema)
	if err != nil {
		return append(faults, fmt.Sprintf("%s: the schema of version %s cannot be used: %v", xrd.GetName(), wanted, err))
	}
	for _, fault := range validation.ValidateCustomResource(field.NewPath("spec"), spec, validator) {
		faults = append(faults, fmt.Sprintf("%s: %v", kube.Describe(claim), fault))
	}
	return faults
}

// specSchema returns the schema of the field spec in a version of a CompositeResourceDefinition.
func specSchema(version map[string]any) (*apiextensions.JSONSchemaProps, *structuralschema.Structural, error) {
	raw, _, _ := unstructured.NestedMap(version, "schema", "openAPIV3Schema", "properties", "spec")
	if raw == nil {
		raw = map[string]any{"type": "object"}
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, nil, err
	}
	var v1 apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(text, &v1); err != nil {
		return nil, nil, err
	}
	schema := new(apiextensions.JSONSchemaProps)
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, schema, nil); err != nil {
		return nil, nil, err
	}
	structural, err := structuralschema.NewStructural(schema)
	return schema, structural, err
}
