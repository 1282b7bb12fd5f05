package kinds

import (
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// Sample returns a value of a field's type.
func (f Field) Sample() any {
	if f.schema == nil {
		return "sample"
	}
	return sample(f.schema)
}

func sample(s *structural.Structural) any {
	if s.ValueValidation != nil && len(s.ValueValidation.Enum) > 0 {
		return s.ValueValidation.Enum[0].Object
	}
	switch s.Type {
	case "boolean":
		return false
	case "integer":
		return int64(0)
	case "number":
		return float64(0)
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	}
	return "sample"
}

// Set puts a value at a path of an object, and makes what is missing on the way. It does nothing if something else is
// in the way; a list's item that is not the next is put at its end.
func Set(object map[string]any, path Path, value any) {
	if len(path) > 0 && path[0].Kind == ToField {
		put(object, path, value)
	}
}

// put returns what takes the place of at.
func put(at any, path Path, value any) any {
	if len(path) == 0 {
		return value
	}
	step, rest := path[0], path[1:]
	if step.Kind == ToField {
		mapping, ok := at.(map[string]any)
		if at == nil {
			mapping, ok = map[string]any{}, true
		}
		if ok {
			mapping[step.Field] = put(mapping[step.Field], rest, value)
			return mapping
		}
		return at
	}
	list, ok := at.([]any)
	if !ok && at != nil {
		return at
	}
	index := step.Index
	if index >= len(list) {
		index = len(list)
		list = append(list, nil)
	}
	list[index] = put(list[index], rest, value)
	return list
}
