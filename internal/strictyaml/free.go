package strictyaml

import (
	"math"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// free decodes node into v, whose type is any, as what JSON can hold.
func (d *decoder) free(v reflect.Value, node *yaml.Node, path string) bool {
	value, ok := d.freeValue(node, path)
	if ok && value != nil {
		v.Set(reflect.ValueOf(value))
	}
	return ok
}

// freeValue returns the value of node, and whether it has one.
func (d *decoder) freeValue(node *yaml.Node, path string) (any, bool) {
	if want := tagFault(node); want != "" {
		return nil, d.wrong(node, path, want)
	}
	switch node.Kind {
	case yaml.MappingNode:
		mapping := make(map[string]any, len(node.Content)/2)
		for _, e := range d.entries(node, path) {
			mapping[e.name], _ = d.freeValue(e.value, e.path)
		}
		return mapping, true
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, item := range node.Content {
			at := Index(path, i)
			d.place(at, item)
			list[i], _ = d.freeValue(item, at)
		}
		return list, true
	}
	return d.freeScalar(node, path)
}

// freeScalar returns the value of a scalar, and whether it has one.
func (d *decoder) freeScalar(node *yaml.Node, path string) (any, bool) {
	switch node.ShortTag() {
	case "!!str":
		if node.Style == 0 && isOldBool(node.Value) {
			return nil, d.wrong(node, path, "want true, false, or quotes around a word that some take for one of them")
		}
		return node.Value, true
	case "!!timestamp":
		return node.Value, true
	case "!!bool":
		return strings.EqualFold(node.Value, "true"), true
	case "!!null":
		return nil, true
	}
	var number any
	if err := node.Decode(&number); err != nil {
		return nil, d.wrong(node, path, "want a number")
	}
	switch n := number.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case float64:
		if !math.IsNaN(n) && !math.IsInf(n, 0) {
			return n, true
		}
	}
	return nil, d.wrong(node, path, "want a number that JSON and 64 bits can hold, or a string in quotes")
}

// isOldBool reports whether word is true or false in YAML 1.1, which Helm reads, and a string in YAML 1.2.
func isOldBool(word string) bool {
	return slices.Contains([]string{"y", "Y", "yes", "Yes", "YES", "on", "On", "ON",
		"n", "N", "no", "No", "NO", "off", "Off", "OFF"}, word)
}
