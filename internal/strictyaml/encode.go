package strictyaml

import (
	"bytes"
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// Encode returns v, a struct or a pointer to one, as one YAML document that Decode reads as the same value: the fields
// in the order of the struct, the keys of maps sorted, two spaces of indentation. It obeys omitempty and omitzero,
// which mean what they mean to encoding/json.
func Encode(v any) ([]byte, error) {
	root, err := nodeOf(reflect.ValueOf(v))
	if err != nil {
		return nil, fmt.Errorf("encoding %T as YAML: %w", v, err)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("encoding %T as YAML: %w", v, err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encoding %T as YAML: %w", v, err)
	}
	return out.Bytes(), nil
}

// nodeOf returns the node for a value.
func nodeOf(v reflect.Value) (*yaml.Node, error) {
	if !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil() {
		return scalarNode(nil)
	}
	if marshaler, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := marshaler.MarshalText()
		if err != nil {
			return nil, err
		}
		return scalarNode(string(text))
	}
	if length, ok := v.Interface().(time.Duration); ok {
		return scalarNode(length.String())
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return nodeOf(v.Elem())
	case reflect.Struct:
		return structNode(v)
	case reflect.Map:
		return mapNode(v)
	case reflect.Slice:
		return listNode(v)
	case reflect.String:
		return scalarNode(v.String())
	case reflect.Bool:
		return scalarNode(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return scalarNode(v.Int())
	case reflect.Float32, reflect.Float64:
		return scalarNode(v.Float())
	}
	return nil, fmt.Errorf("the type %s is not supported", v.Type())
}

// structNode returns the mapping for a struct.
func structNode(v reflect.Value) (*yaml.Node, error) {
	mapping := &yaml.Node{Kind: yaml.MappingNode}
	for _, f := range fieldsOf(v.Type()) {
		value := v.FieldByIndex(f.index)
		if f.omitEmpty && isEmpty(value) || f.omitZero && value.IsZero() {
			continue
		}
		if err := appendEntry(mapping, f.name, value); err != nil {
			return nil, err
		}
	}
	return mapping, nil
}

// mapNode returns the mapping for a map.
func mapNode(v reflect.Value) (*yaml.Node, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("the type %s is not supported: want keys that are strings", v.Type())
	}
	mapping := &yaml.Node{Kind: yaml.MappingNode}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for _, key := range keys {
		if err := appendEntry(mapping, key.String(), v.MapIndex(key)); err != nil {
			return nil, err
		}
	}
	return mapping, nil
}

// appendEntry appends a field to a mapping.
func appendEntry(mapping *yaml.Node, name string, value reflect.Value) error {
	key, err := scalarNode(name)
	if err != nil {
		return err
	}
	node, err := nodeOf(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	mapping.Content = append(mapping.Content, key, node)
	return nil
}

// listNode returns the list for a slice.
func listNode(v reflect.Value) (*yaml.Node, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.Len() {
		item, err := nodeOf(v.Index(i))
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list.Content = append(list.Content, item)
	}
	return list, nil
}

// scalarNode returns the node for a string, bool, int64, float64 or nil.
func scalarNode(value any) (*yaml.Node, error) {
	if text, ok := value.(string); ok && strings.Contains(text, "\n") {
		return linesNode(text), nil
	}
	node := new(yaml.Node)
	if err := node.Encode(value); err != nil {
		return nil, err
	}
	if _, isFloat := value.(float64); isFloat {
		node.Tag = "!!float"
		if !strings.ContainsAny(node.Value, ".e") {
			node.Value += ".0" // or it would be read as an integer
		}
	}
	return node, nil
}

// linesNode returns the node for text of several lines: as a block, so that people can read it, unless there are
// letters in it that cannot be seen, such as tabs, which the library garbles in a block; then in quotes.
func linesNode(text string) *yaml.Node {
	style := yaml.LiteralStyle
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
		style = yaml.DoubleQuotedStyle
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: style}
}

// isEmpty reports whether encoding/json would leave out the value for omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}
