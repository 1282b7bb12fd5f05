package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Set gives the field at path, within the struct that into points to, the value that text holds: a YAML scalar, or a
// list or mapping in brackets. The value is checked as Decode checks it and replaces the one that was there. Mappings
// on the way to it are made where there is none, and what is beside it stays. A list can be set item by item, its next
// item included. source is what faults call text, usually the name of a flag. The error is nil or Faults; with Faults,
// what into points to is as it was.
func Set(into any, path, text, source string) error {
	way, err := steps(path)
	if err != nil {
		return Faults{{Source: source, Message: err.Error()}}
	}
	node, faults := parseValue(text)
	d := newDecoder(source)
	if node != nil {
		d.assign(reflect.ValueOf(into).Elem(), way, node, "")
		faults = d.faults
	}
	for i := range faults {
		faults[i].Source, faults[i].Line, faults[i].Column = source, 0, 0
		if node == nil {
			faults[i].Path = path
		}
	}
	return faults.Err()
}

// parseValue returns the node for a value on one line; no text at all is null.
func parseValue(text string) (*yaml.Node, Faults) {
	if strings.TrimSpace(text) == "" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, nil
	}
	root, faults := parse([]byte(text))
	if len(faults) > 0 {
		return nil, faults
	}
	if root.Kind != yaml.ScalarNode && root.Style&yaml.FlowStyle == 0 {
		return nil, Faults{{Message: "want a value in brackets or quotes, found " + describe(root) + " without"}}
	}
	return root, nil
}

// assign decodes node into what lies at the end of the way from v, whose own path is path. It reports whether v took
// it.
func (d *decoder) assign(v reflect.Value, way []step, node *yaml.Node, path string) bool {
	if len(way) == 0 {
		fresh := reflect.New(v.Type()).Elem()
		before := len(d.faults)
		d.value(fresh, node, path)
		if len(d.faults) > before {
			return false
		}
		v.Set(fresh)
		return true
	}
	next := way[0]
	switch {
	case v.Kind() == reflect.Pointer:
		pointed := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			pointed.Elem().Set(v.Elem())
		}
		return d.assign(pointed.Elem(), way, node, path) && set(v, pointed)
	case v.Kind() == reflect.Interface:
		value, ok := d.assignFree(v.Interface(), way, node, path)
		return ok && set(v, reflect.ValueOf(value))
	case v.Kind() == reflect.Struct && !next.isIndex:
		f, known := named(fieldsOf(v.Type()), next.name)
		if !known {
			d.unknown(node, path, next.name, fieldsOf(v.Type()))
			return false
		}
		return d.assign(v.FieldByIndex(f.index), way[1:], node, Key(path, next.name))
	case v.Kind() == reflect.Map && !next.isIndex:
		return d.assignEntry(v, way, node, path)
	case v.Kind() == reflect.Slice && next.isIndex:
		return d.assignItem(v, way, node, path)
	}
	return d.astray(node, path, next, kindName(v.Kind()))
}

// assignEntry assigns to a field of a map, of which it makes a copy.
func (d *decoder) assignEntry(v reflect.Value, way []step, node *yaml.Node, path string) bool {
	key := reflect.ValueOf(way[0].name).Convert(v.Type().Key())
	item := reflect.New(v.Type().Elem()).Elem()
	if old := v.MapIndex(key); old.IsValid() {
		item.Set(old)
	}
	if !d.assign(item, way[1:], node, Key(path, way[0].name)) {
		return false
	}
	copied := reflect.MakeMap(v.Type())
	for _, k := range v.MapKeys() {
		copied.SetMapIndex(k, v.MapIndex(k))
	}
	copied.SetMapIndex(key, item)
	return set(v, copied)
}

// assignItem assigns to an item of a slice, or to the one after its last; it makes a copy of the slice.
func (d *decoder) assignItem(v reflect.Value, way []step, node *yaml.Node, path string) bool {
	i := way[0].index
	if i > v.Len() {
		return d.beyond(node, path, i, v.Len())
	}
	copied := reflect.MakeSlice(v.Type(), max(v.Len(), i+1), max(v.Len(), i+1))
	reflect.Copy(copied, v)
	return d.assign(copied.Index(i), way[1:], node, Index(path, i)) && set(v, copied)
}

// assignFree returns a copy of value, which is free-form, with node at the end of the way.
func (d *decoder) assignFree(value any, way []step, node *yaml.Node, path string) (any, bool) {
	if len(way) == 0 {
		before := len(d.faults)
		fresh, ok := d.freeValue(node, path)
		return fresh, ok && len(d.faults) == before
	}
	next := way[0]
	if mapping, ok := value.(map[string]any); !next.isIndex && (ok || value == nil) {
		item, ok := d.assignFree(mapping[next.name], way[1:], node, Key(path, next.name))
		copied := map[string]any{next.name: item}
		for name, other := range mapping {
			if name != next.name {
				copied[name] = other
			}
		}
		return copied, ok
	}
	if list, ok := value.([]any); next.isIndex && (ok || value == nil) {
		if next.index > len(list) {
			return nil, d.beyond(node, path, next.index, len(list))
		}
		copied := append(slices.Clone(list), nil)[:max(len(list), next.index+1)]
		item, ok := d.assignFree(copied[next.index], way[1:], node, Index(path, next.index))
		copied[next.index] = item
		return copied, ok
	}
	return nil, d.astray(node, path, next, kindName(reflect.ValueOf(value).Kind()))
}

// set sets v and returns true.
func set(v, value reflect.Value) bool {
	v.Set(value)
	return true
}

// astray records that the next step cannot be taken from path, which holds something of another kind.
func (d *decoder) astray(node *yaml.Node, path string, next step, kind string) bool {
	if next.isIndex {
		d.fault(node, Index(path, next.index), fmt.Sprintf("%s is %s, not a list", path, kind))
	} else {
		d.fault(node, Key(path, next.name), fmt.Sprintf("%s is %s, not a mapping", path, kind))
	}
	return false
}

// beyond records that the list at path is too short to have an item with the index i set.
func (d *decoder) beyond(node *yaml.Node, path string, i, length int) bool {
	d.fault(node, Index(path, i), fmt.Sprintf("%s has %d items: want an index from 0 to %d", path, length, length))
	return false
}

// kindName returns what a value of the kind is called in YAML.
func kindName(kind reflect.Kind) string {
	switch kind {
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "a number"
}
