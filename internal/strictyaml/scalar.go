package strictyaml

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// string decodes a scalar into a string. A date is text too: JSON, which these values end up in, has no dates.
func (d *decoder) string(v reflect.Value, node *yaml.Node, path string) bool {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		v.SetString(node.Value)
		return true
	case "!!int", "!!float", "!!bool":
		return d.wrong(node, path, "want a string in quotes")
	}
	return d.wrong(node, path, "want a string")
}

// boolean decodes true or false.
func (d *decoder) boolean(v reflect.Value, node *yaml.Node, path string) bool {
	if node.ShortTag() != "!!bool" {
		return d.wrong(node, path, "want true or false")
	}
	v.SetBool(strings.EqualFold(node.Value, "true"))
	return true
}

// integer decodes a decimal integer. What begins with 0 is refused: 010 is 8 to some YAML readers and 10 to others.
func (d *decoder) integer(v reflect.Value, node *yaml.Node, path string) bool {
	n, err := strconv.ParseInt(node.Value, 10, 64)
	if node.ShortTag() == "!!int" && strconv.FormatInt(n, 10) == node.Value && !v.OverflowInt(n) {
		v.SetInt(n)
		return true
	}
	largest := int64(1)<<(v.Type().Bits()-1) - 1
	switch {
	case node.ShortTag() == "!!str" && err == nil:
		return d.wrong(node, path, "want an integer without quotes")
	case node.ShortTag() == "!!int" || errors.Is(err, strconv.ErrRange):
		return d.wrong(node, path, fmt.Sprintf("want a decimal integer from %d to %d", -largest-1, largest))
	}
	return d.wrong(node, path, "want an integer")
}

// duration decodes text such as 1h30m.
func (d *decoder) duration(v reflect.Value, node *yaml.Node, path string) bool {
	length, err := time.ParseDuration(node.Value)
	if node.ShortTag() != "!!str" || err != nil {
		return d.wrong(node, path, "want a duration such as 90s, 10m or 1h30m")
	}
	v.SetInt(int64(length))
	return true
}

// text gives a type the text of a scalar as it was written.
func (d *decoder) text(v encoding.TextUnmarshaler, node *yaml.Node, path string) bool {
	if node.Kind != yaml.ScalarNode {
		return d.wrong(node, path, "want a string")
	}
	if err := v.UnmarshalText([]byte(node.Value)); err != nil {
		d.document.unread[path] = true
		d.fault(node, path, err.Error())
		return false
	}
	return true
}

// isNull reports whether node holds nothing: null, ~ or no text at all.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// tagFault returns what is wanted in place of node if it has a tag that JSON has no type for, else "".
func tagFault(node *yaml.Node) string {
	kind, tag := yaml.ScalarNode, node.ShortTag()
	switch tag {
	case "!!map":
		kind = yaml.MappingNode
	case "!!seq":
		kind = yaml.SequenceNode
	case "!!merge":
		return "want a value in quotes"
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
	default:
		return "want a value without the tag " + tag
	}
	tagged := node.Style&yaml.TaggedStyle != 0
	if kind != node.Kind || tagged && kind == yaml.ScalarNode && node.Decode(new(any)) != nil {
		return "want a value that is what its tag says"
	}
	return ""
}

// describe says what node holds.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	tag := node.ShortTag()
	if node.Style&yaml.TaggedStyle != 0 {
		tag = "!!str"
	}
	switch tag {
	case "!!null":
		return "nothing"
	case "!!bool", "!!merge":
		return node.Value
	case "!!int", "!!float":
		return "the number " + node.Value
	}
	return "the string " + Quote(node.Value)
}
