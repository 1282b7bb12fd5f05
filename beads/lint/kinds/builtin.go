package kinds

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// builtIn returns a kind of Kubernetes' own. Its schema is that of the Go type: it knows every field and its type, but
// not which of them must be given.
func builtIn(gvk schema.GroupVersionKind) (*Kind, error) {
	object, err := scheme.Scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	props := reflected(reflect.TypeOf(object).Elem(), nil)
	return newKind(gvk, "", UnknownScope, &props)
}

// objectMeta returns the schema of metadata.
func objectMeta() (structural.Structural, error) {
	props := reflected(reflect.TypeFor[metav1.ObjectMeta](), nil)
	_, own, err := convert(&props)
	if err != nil {
		return structural.Structural{}, err
	}
	return *own, nil
}

// reflected returns the schema of what encoding/json makes of a type. around are the structs around it: a type that
// contains itself takes anything there.
func reflected(t reflect.Type, around []reflect.Type) apiextensionsv1.JSONSchemaProps {
	if t.Kind() == reflect.Pointer {
		return reflected(t.Elem(), around)
	}
	if props, ok := written(t); ok {
		return props
	}
	switch t.Kind() {
	case reflect.Bool:
		return apiextensionsv1.JSONSchemaProps{Type: "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint32, reflect.Uint64:
		return apiextensionsv1.JSONSchemaProps{Type: "integer"}
	case reflect.Float32, reflect.Float64:
		return apiextensionsv1.JSONSchemaProps{Type: "number"}
	case reflect.String:
		return apiextensionsv1.JSONSchemaProps{Type: "string"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // base64
			return apiextensionsv1.JSONSchemaProps{Type: "string"}
		}
		items := reflected(t.Elem(), around)
		return apiextensionsv1.JSONSchemaProps{
			Type: "array", Nullable: true, Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &items},
		}
	case reflect.Map:
		items := reflected(t.Elem(), around)
		return apiextensionsv1.JSONSchemaProps{
			Type: "object", Nullable: true,
			AdditionalProperties: &apiextensionsv1.JSONSchemaPropsOrBool{Allows: true, Schema: &items},
		}
	case reflect.Struct:
		for _, outer := range around {
			if outer == t {
				return anything()
			}
		}
		props := apiextensionsv1.JSONSchemaProps{
			Type: "object", Nullable: true, Properties: make(map[string]apiextensionsv1.JSONSchemaProps),
		}
		fields(t, append(around, t), props.Properties)
		return props
	}
	return anything()
}

// fields adds the schemas of a struct's fields.
func fields(t reflect.Type, around []reflect.Type, to map[string]apiextensionsv1.JSONSchemaProps) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case field.Anonymous && name == "":
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			fields(inner, around, to)
		case name != "":
			to[name] = reflected(field.Type, around)
		}
	}
}

// written returns the schema of a type that is not written as its fields are.
func written(t reflect.Type) (apiextensionsv1.JSONSchemaProps, bool) {
	switch t {
	case reflect.TypeFor[intstr.IntOrString](), reflect.TypeFor[resource.Quantity]():
		return apiextensionsv1.JSONSchemaProps{XIntOrString: true}, true
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime](), reflect.TypeFor[metav1.Duration]():
		return apiextensionsv1.JSONSchemaProps{Type: "string", Nullable: true}, true
	}
	for _, own := range []reflect.Type{reflect.TypeFor[json.Unmarshaler](), reflect.TypeFor[encoding.TextUnmarshaler]()} {
		if reflect.PointerTo(t).Implements(own) {
			return anything(), true
		}
	}
	return apiextensionsv1.JSONSchemaProps{}, false
}

// anything is the schema that allows everything.
func anything() apiextensionsv1.JSONSchemaProps {
	yes := true
	return apiextensionsv1.JSONSchemaProps{XPreserveUnknownFields: &yes}
}
