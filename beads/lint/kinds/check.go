package kinds

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Fault is what an object has against its schema.
type Fault struct {
	Path    string // the field, as strictyaml writes paths
	Message string
	Rule    bool // a rule of the schema says so, and not a field's own type
}

// Check returns what the API server would have against an object of the kind: fields that it does not know, those that
// are missing, and values that are not allowed.
func (k *Kind) Check(ctx context.Context, object map[string]any) ([]Fault, error) {
	var faults []Fault
	for _, path := range pruning.PruneWithOptions(runtime.DeepCopyJSON(object), k.schema, false,
		structural.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		faults = append(faults, k.unknown(path))
	}
	validate, err := k.typeValidator()
	if err != nil {
		return nil, fmt.Errorf("reading the schema of %s: %w", k.Kind, err)
	}
	object = runtime.DeepCopyJSON(object)
	defaulting.Default(object, k.own)
	for _, fault := range validation.ValidateCustomResource(nil, object, validate) {
		faults = append(faults, Fault{Path: FieldPath(fault.Field), Message: Explain(fault)})
	}
	if len(faults) > 0 {
		return faults, nil // rules are for what has the right types
	}
	if rules := k.ruleValidator(); rules != nil {
		found, _ := rules.Validate(ctx, nil, k.own, object, nil, celconfig.RuntimeCELCostBudget)
		for _, fault := range found {
			faults = append(faults, Fault{Path: FieldPath(fault.Field), Message: Explain(fault), Rule: true})
		}
	}
	return faults, nil
}

// unknown is the fault of a field that the schema does not have.
func (k *Kind) unknown(text string) Fault {
	fault := Fault{Path: FieldPath(text), Message: "unknown field"}
	path, err := ParsePath(text)
	if err != nil {
		return fault
	}
	if _, err := k.Field(path); err != nil {
		if _, hint, ok := strings.Cut(err.Error(), ": "); ok {
			fault.Message += ": " + hint
		}
	}
	return fault
}

// wrongType is how the validator says that a value is of another type.
var wrongType = regexp.MustCompile(`must be of type ([a-z,]+): "([a-z]+)"`)

// Explain says in words what the API server's validators have against a value.
func Explain(fault *field.Error) string {
	switch fault.Type {
	case field.ErrorTypeRequired:
		if fault.Detail != "" {
			return "is missing: " + fault.Detail
		}
		return "is missing"
	case field.ErrorTypeTypeInvalid:
		if match := wrongType.FindStringSubmatch(fault.Detail); match != nil {
			return fmt.Sprintf("want %s, found %s", match[1], match[2])
		}
	case field.ErrorTypeNotSupported:
		return fmt.Sprintf("%v is not allowed: %s", fault.BadValue, fault.Detail)
	case field.ErrorTypeInvalid:
		if match := wrongType.FindStringSubmatch(fault.Detail); match != nil {
			return fmt.Sprintf("want %s, found %s", match[1], match[2])
		}
		detail, _, _ := strings.Cut(fault.Detail, " (e.g.")
		if _, rest, ok := strings.Cut(detail, " in body "); ok {
			detail = rest
		}
		return strings.Join(strings.Fields(detail), " ")
	}
	return fault.ErrorBody()
}
