// Package strictyaml reads and writes YAML documents that people write by hand. Reading is strict: unknown fields,
// values of a wrong type, names that are given twice and whatever else is surely a mistake are refused, all of them at
// once, each with its line, its path and what would be right. Writing gives the same bytes for the same value.
//
// Go types are described as for encoding/json, with json tags. The types that can be read are structs (also embedded
// ones, whose fields count as those of the struct around them), pointers, slices, maps with string keys, strings,
// signed integers, booleans, time.Duration as text such as 10m, and types that implement encoding.TextUnmarshaler,
// which are given the text of any scalar as it was written. A value of type any takes what JSON can hold: nil, bool,
// int64, float64, string, []any, map[string]any.
package strictyaml

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Decode reads the one document in data into the struct, or the map with string keys, that into points to. source is what faults call data, usually
// the name of a file. A field with the value null counts as not given.
//
// The error is nil or, found with errors.As, Faults. The Document is nil if data held nothing that could be decoded;
// otherwise everything that could be was, and the caller can go on to judge the values even if there is an error.
// Decode panics if into points to a type that cannot be read.
func Decode(data []byte, source string, into any) (*Document, error) {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer ||
		target.Elem().Kind() != reflect.Struct && target.Elem().Kind() != reflect.Map {
		panic(fmt.Sprintf("strictyaml: decoding into %T: want a pointer to a struct or to a map", into))
	}
	root, faults := parse(data)
	switch {
	case root == nil || root.Kind == yaml.MappingNode:
	case isNull(root) && len(faults) == 0:
		faults = Faults{empty()}
	case !isNull(root):
		faults = append(faults, Fault{Line: root.Line, Column: root.Column,
			Message: "want a mapping of fields, found " + describe(root)})
	}
	for i := range faults {
		faults[i].Source = source
	}
	if root == nil || root.Kind != yaml.MappingNode {
		return nil, faults.Err()
	}
	d := newDecoder(source)
	d.faults = faults
	d.document.at[""] = position{root.Line, root.Column}
	d.value(target.Elem(), root, "")
	return d.document, d.faults.Err()
}

// decoder moves values from nodes to Go values and collects what is wrong.
type decoder struct {
	document *Document
	faults   Faults
}

func newDecoder(source string) *decoder {
	return &decoder{document: &Document{source: source, at: make(map[string]position), unread: make(map[string]bool)}}
}

// value decodes node into v and reports whether v took it.
func (d *decoder) value(v reflect.Value, node *yaml.Node, path string) bool {
	if want := tagFault(node); want != "" {
		return d.wrong(node, path, want)
	}
	if v.Kind() == reflect.Interface {
		return d.free(v, node, path)
	}
	if isNull(node) {
		return true
	}
	if v.Kind() == reflect.Pointer {
		pointed := reflect.New(v.Type().Elem())
		if !d.value(pointed.Elem(), node, path) {
			return false
		}
		v.Set(pointed)
		return true
	}
	if unmarshaler, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return d.text(unmarshaler, node, path)
	}
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return d.duration(v, node, path)
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(v, node, path)
	case reflect.Map:
		return d.mapping(v, node, path)
	case reflect.Slice:
		return d.list(v, node, path)
	case reflect.String:
		return d.string(v, node, path)
	case reflect.Bool:
		return d.boolean(v, node, path)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return d.integer(v, node, path)
	}
	panic(fmt.Sprintf("strictyaml: decoding %s: the type %s is not supported", path, v.Type()))
}

// structure decodes a mapping into a struct.
func (d *decoder) structure(v reflect.Value, node *yaml.Node, path string) bool {
	fields := fieldsOf(v.Type())
	if node.Kind != yaml.MappingNode {
		return d.wrong(node, path, "want a mapping with the fields "+strings.Join(names(fields), ", "))
	}
	for _, e := range d.entries(node, path) {
		if f, known := named(fields, e.name); known {
			d.value(v.FieldByIndex(f.index), e.value, e.path)
			continue
		}
		meant, near := d.unknown(e.key, path, e.name, fields)
		if near && !d.document.Has(Key(path, meant)) {
			d.document.unread[Key(path, meant)] = true
		}
	}
	return true
}

// unknown records that the struct at path has no field called name. It returns the field that was likely meant, if any.
func (d *decoder) unknown(node *yaml.Node, path, name string, fields []field) (meant string, near bool) {
	message := "unknown field: want one of " + strings.Join(names(fields), ", ")
	if meant, near = Nearest(name, names(fields)); near {
		message = fmt.Sprintf("unknown field: did you mean %s?", meant)
	}
	d.fault(node, Key(path, name), message)
	return meant, near
}

// mapping decodes a mapping into a map.
func (d *decoder) mapping(v reflect.Value, node *yaml.Node, path string) bool {
	if node.Kind != yaml.MappingNode {
		return d.wrong(node, path, "want a mapping")
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range d.entries(node, path) {
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(item, e.value, e.path)
		v.SetMapIndex(reflect.ValueOf(e.name).Convert(v.Type().Key()), item)
	}
	return true
}

// list decodes a list into a slice. An item that is wrong keeps its place, so that the indices of the others are right.
func (d *decoder) list(v reflect.Value, node *yaml.Node, path string) bool {
	if node.Kind != yaml.SequenceNode {
		return d.wrong(node, path, "want a list")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content)))
	for i, item := range node.Content {
		at := Index(path, i)
		d.place(at, item)
		if isNull(item) && v.Type().Elem().Kind() != reflect.Interface {
			d.wrong(item, at, "want a value")
			continue
		}
		d.value(v.Index(i), item, at)
	}
	return true
}

// place records where path stands. The first place counts: a merge key comes after what the mapping itself gives.
func (d *decoder) place(path string, node *yaml.Node) {
	if !d.document.Has(path) {
		d.document.at[path] = position{node.Line, node.Column}
	}
}

// fault records what is wrong at node.
func (d *decoder) fault(node *yaml.Node, path, message string) {
	d.faults = append(d.faults, Fault{Source: d.document.source, Line: node.Line, Column: node.Column, Path: path,
		Message: message})
}

// wrong records that path cannot take the value of node, and returns false.
func (d *decoder) wrong(node *yaml.Node, path, want string) bool {
	d.document.unread[path] = true
	d.fault(node, path, want+", found "+describe(node))
	return false
}
