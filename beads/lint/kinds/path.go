package kinds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Step is one step of a path: into a field, to an item of a list, or to all of them.
type Step struct {
	Field string
	Index int
	Kind  StepKind
}

// StepKind is what a Step does.
type StepKind int

// What a Step can do.
const (
	ToField StepKind = iota
	ToItem
	ToAll
)

// Path is where a value stands in an object.
type Path []Step

// ParsePath reads a path in Crossplane's notation: spec.forProvider.tags[0], metadata.labels[example.org/team],
// spec.rules[*].host.
func ParsePath(text string) (Path, error) {
	var path Path
	rest := text
	for rest != "" {
		if inside, ok := strings.CutPrefix(rest, "["); ok {
			step, after, closed := strings.Cut(inside, "]")
			if !closed || step == "" {
				return nil, fmt.Errorf("%s has a bracket that is not closed or empty", strictyaml.Quote(text))
			}
			path = append(path, bracket(step))
			rest = after
			if dot, ok := strings.CutPrefix(rest, "."); ok && dot != "" && dot[0] != '[' && dot[0] != '.' {
				rest = dot
			} else if rest != "" && rest[0] != '[' {
				return nil, fmt.Errorf("%s has no field after a bracket", strictyaml.Quote(text))
			}
			continue
		}
		end := strings.IndexAny(rest, ".[")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 || strings.Contains(rest[:end], "]") || rest[end:] == "." || strings.HasPrefix(rest[end:], ".[") {
			return nil, fmt.Errorf("%s is no path: want one such as spec.network.name or spec.tags[0]", strictyaml.Quote(text))
		}
		path = append(path, Step{Field: rest[:end]})
		rest = strings.TrimPrefix(rest[end:], ".")
	}
	return path, nil
}

// bracket is the step that stands in brackets.
func bracket(text string) Step {
	if text == "*" {
		return Step{Kind: ToAll}
	}
	if index, err := strconv.ParseUint(text, 10, 31); err == nil {
		return Step{Kind: ToItem, Index: int(index)}
	}
	return Step{Field: strings.Trim(text, `'"`)}
}

// String is the path as strictyaml writes it.
func (p Path) String() string {
	path := ""
	for _, step := range p {
		switch step.Kind {
		case ToItem:
			path = strictyaml.Index(path, step.Index)
		case ToAll:
			path += "[*]"
		default:
			path = strictyaml.Key(path, step.Field)
		}
	}
	return path
}

// Field is what the schema says of a path.
type Field struct {
	// Type is that of JSON Schema; empty if there can be anything.
	Type   string
	schema *structural.Structural
}

// Field returns what can stand at a path. The error says which step leads nowhere, and what was likely meant.
func (k *Kind) Field(path Path) (Field, error) {
	at := k.schema
	for i, step := range path {
		if free(at) {
			return Field{}, nil
		}
		next, err := into(at, step, path[:i])
		if err != nil {
			return Field{}, fmt.Errorf("%s has no field %s: %w", k.Kind, path[:i+1], err)
		}
		at = next
	}
	if free(at) {
		return Field{}, nil
	}
	return Field{Type: at.Type, schema: at}, nil
}

// free says whether a schema allows anything.
func free(s *structural.Structural) bool {
	if s == nil || s.XIntOrString {
		return true
	}
	return len(s.Properties) == 0 && (s.XPreserveUnknownFields || s.Type == "")
}

// into takes one step.
func into(at *structural.Structural, step Step, before Path) (*structural.Structural, error) {
	switch {
	case at.Type == "array" && step.Kind != ToField:
		return at.Items, nil
	case at.Type == "array":
		return nil, fmt.Errorf("%s is a list: want an index such as [0] after it", before)
	case step.Kind == ToItem:
		return nil, fmt.Errorf("%s is of type %s, and no list", before, at.Type)
	case at.AdditionalProperties != nil && step.Kind == ToAll:
		return at.AdditionalProperties.Structural, nil
	}
	if property, ok := at.Properties[step.Field]; ok {
		return &property, nil
	}
	switch {
	case at.AdditionalProperties != nil:
		return at.AdditionalProperties.Structural, nil
	case at.XPreserveUnknownFields:
		return nil, nil
	case at.Type != "object":
		return nil, fmt.Errorf("%s is of type %s", before, at.Type)
	}
	return nil, fmt.Errorf("%s", oneOf(step.Field, at))
}

// oneOf says which fields there are, if that can be read, or which was likely meant.
func oneOf(name string, at *structural.Structural) string {
	const most = 12
	var names []string
	for property := range at.Properties {
		names = append(names, property)
	}
	slices.Sort(names)
	nearest, ok := strictyaml.Nearest(name, names)
	switch {
	case ok:
		return fmt.Sprintf("did you mean %s?", nearest)
	case len(names) == 0:
		return "there is no field"
	case len(names) <= most:
		return "want one of " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("none of the %d fields there is called so", len(names))
}
