package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// trim leaves out of a custom resource definition what a hub has no use for. The API server, and every program that
// watches definitions, keeps each served version's schema in memory in several forms.
type trim struct {
	definition string   // its metadata.name
	versions   []string // that nothing asks for, and that are not stored
	fields     []string // whose content is taken as it is, see open
	silent     bool     // whether descriptions go, and with them what kubectl explain has to say
}

// errNoTarget is what a trim is for that finds something else than it was made for.
var errNoTarget = errors.New("the module's definition has no such thing: mend or remove the trim")

// trimDefinition applies those of the trims that are for the given definition, and returns how many that are.
func trimDefinition(definition map[string]any, trims []trim) (int, error) {
	metadata, _ := definition["metadata"].(map[string]any)
	applied := 0
	for _, t := range trims {
		if definition["kind"] != "CustomResourceDefinition" || metadata["name"] != t.definition {
			continue
		}
		if err := t.apply(definition); err != nil {
			return 0, fmt.Errorf("trimming the definition of %s: %w", t.definition, err)
		}
		applied++
	}
	return applied, nil
}

func (t trim) apply(definition map[string]any) error {
	spec, _ := definition["spec"].(map[string]any)
	all, _ := spec["versions"].([]any)
	var kept, removed []any
	for _, item := range all {
		version, _ := item.(map[string]any)
		if name, _ := version["name"].(string); slices.Contains(t.versions, name) && version["storage"] != true {
			removed = append(removed, name)
			continue
		}
		kept = append(kept, version)
		if err := t.trimSchema(version); err != nil {
			return fmt.Errorf("version %v: %w", version["name"], err)
		}
	}
	if len(removed) != len(t.versions) {
		return fmt.Errorf("versions %q: %w", t.versions, errNoTarget)
	}
	spec["versions"] = kept
	return nil
}

func (t trim) trimSchema(version map[string]any) error {
	validation, _ := version["schema"].(map[string]any)
	schema, _ := validation["openAPIV3Schema"].(map[string]any)
	for _, field := range t.fields {
		if open(schema, strings.Split(field, ".")) == 0 {
			return fmt.Errorf("field %s: %w", field, errNoTarget)
		}
	}
	if t.silent {
		silence(schema)
	}
	return nil
}

// open makes the API server take any object in the fields at a path, and returns how many fields that are. The program
// whose objects they are still refuses what it cannot read. A part of a path names a property, or with * every property
// that has the rest; [] after it means the elements of a list.
func open(schema map[string]any, path []string) int {
	if schema == nil {
		return 0
	}
	if len(path) == 0 {
		description, described := schema["description"]
		clear(schema)
		schema["type"], schema["x-kubernetes-preserve-unknown-fields"] = "object", true
		if described {
			schema["description"] = description
		}
		return 1
	}
	properties, _ := schema["properties"].(map[string]any)
	name, isList := strings.CutSuffix(path[0], "[]")
	opened := 0
	for property, item := range properties {
		if name != "*" && name != property {
			continue
		}
		next, _ := item.(map[string]any)
		if isList {
			next, _ = next["items"].(map[string]any)
		}
		opened += open(next, path[1:])
	}
	return opened
}

// silence removes the descriptions from a schema and everything in it. What is a map of names to schemas may have a
// property that is called description; it stays.
func silence(schema map[string]any) {
	delete(schema, "description")
	for key, value := range schema {
		switch value := value.(type) {
		case map[string]any:
			switch key {
			case "properties":
				for _, property := range value {
					if property, ok := property.(map[string]any); ok {
						silence(property)
					}
				}
			case "items", "additionalProperties", "not":
				silence(value)
			}
		case []any:
			if key != "allOf" && key != "anyOf" && key != "oneOf" {
				continue
			}
			for _, item := range value {
				if item, ok := item.(map[string]any); ok {
					silence(item)
				}
			}
		}
	}
}
