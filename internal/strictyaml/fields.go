package strictyaml

import (
	"reflect"
	"strings"
)

// field is one field of a struct type, as it is called in YAML.
type field struct {
	name      string
	index     []int // for reflect.Value.FieldByIndex
	omitEmpty bool
	omitZero  bool
}

// Fields returns what the fields of a struct, or of what a pointer to one points to, are called in YAML, in their
// order.
func Fields(v any) []string {
	return names(fieldsOf(reflect.Indirect(reflect.ValueOf(v)).Type()))
}

// fieldsOf returns the fields of a struct type in their order. Names come from json tags; a field without one has its
// Go name. The fields of an embedded struct without a name count as the struct's own.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
			continue
		}
		if !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{name: name, index: []int{i},
			omitEmpty: hasOption(options, "omitempty"), omitZero: hasOption(options, "omitzero")})
	}
	return fields
}

// hasOption reports whether option is among options, which have commas between them.
func hasOption(options, option string) bool {
	for o := range strings.SplitSeq(options, ",") {
		if o == option {
			return true
		}
	}
	return false
}

// named returns the field called name.
func named(fields []field, name string) (field, bool) {
	for _, f := range fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// names returns what the fields are called.
func names(fields []field) []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return all
}
