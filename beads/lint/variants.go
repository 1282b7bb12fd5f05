package lint

import (
	"maps"
	"reflect"
	"slices"

	"github.com/back-stack/backstack/beads/bead"
)

// variant is a hub and the values of the Bead's parameters.
type variant struct {
	hub    bead.Hub
	values map[string]any
}

// maxVariants bounds the time that a Bead with many parameters takes.
const maxVariants = 24

// variants are what the Bead is rendered with.
func (l *linter) variants() []variant {
	hub := bead.Hub{
		Name: "hub", Pods: true, URL: "https://git.example.com/hub.git", Requests: "https://git.example.com/requests.git",
	}
	parameters := l.folder.Spec.Parameters
	defaults := make(map[string]any, len(parameters))
	for name, schema := range parameters {
		defaults[name] = sampleOf(schema)
	}
	without := hub
	without.Pods = false
	found := []variant{{hub, defaults}, {without, defaults}}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		for _, choice := range choices(parameters[name]) {
			if !reflect.DeepEqual(choice, defaults[name]) && len(found) < maxVariants {
				values := maps.Clone(defaults)
				values[name] = choice
				found = append(found, variant{hub, values})
			}
		}
	}
	return found
}

// choices are the values of a parameter that can have only few.
func choices(schema map[string]any) []any {
	if listed, ok := schema["enum"].([]any); ok {
		return listed
	}
	if schema["type"] == "boolean" {
		return []any{true, false}
	}
	return nil
}

// sampleOf returns the default of a parameter, or something that is like what would be given.
func sampleOf(schema map[string]any) any {
	if value, ok := schema["default"]; ok {
		return value
	}
	for _, field := range []string{"examples", "enum"} {
		if listed, ok := schema[field].([]any); ok && len(listed) > 0 {
			return listed[0]
		}
	}
	switch schema["type"] {
	case "boolean":
		return true
	case "integer", "number":
		if least, ok := schema["minimum"]; ok {
			return least
		}
		return int64(1)
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	case "null":
		return nil
	}
	return "example"
}
