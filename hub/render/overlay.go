package render

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// overlay lays values over a YAML document the way Helm does, one after the other: mappings are merged, anything else
// replaces what was there, and null takes it away. Comments stay. What is below the key subchart, if that is not empty,
// is for a chart within the chart, of whose values null takes away what the document does not have: there it is kept.
func overlay(base []byte, subchart string, layers ...map[string]any) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(base, &document); err != nil {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode || document.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("what is below is no mapping")
	}
	for _, values := range layers {
		own, within := split(values, subchart)
		if err := mergeMapping(document.Content[0], own, false); err != nil {
			return nil, err
		}
		if err := mergeMapping(document.Content[0], within, true); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return paragraphs(out.Bytes()), nil
}

// split returns values without a key, and the key alone if its value is a mapping.
func split(values map[string]any, key string) (others, alone map[string]any) {
	if _, ok := values[key].(map[string]any); !ok {
		return values, nil
	}
	others = maps.Clone(values)
	delete(others, key)
	return others, map[string]any{key: values[key]}
}

// paragraphs puts an empty line before each comment at the margin, where the encoder has lost it.
func paragraphs(document []byte) []byte {
	var out bytes.Buffer
	before := []byte("#")
	for line := range bytes.Lines(document) {
		if line[0] == '#' && before[0] != '#' && before[0] != '\n' {
			out.WriteByte('\n')
		}
		out.Write(line)
		before = line
	}
	return out.Bytes()
}

// mergeMapping lays values over a mapping; new keys come last, sorted. nulls says whether null is kept.
func mergeMapping(mapping *yaml.Node, values map[string]any, nulls bool) error {
	if len(mapping.Content) == 0 {
		mapping.Style = 0 // was {}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if err := mergeKey(mapping, key, values[key], nulls); err != nil {
			return err
		}
	}
	return nil
}

// mergeKey lays one value over a mapping, whose content is its keys and values in turn.
func mergeKey(mapping *yaml.Node, key string, value any, nulls bool) error {
	at := keyIndex(mapping, key)
	if value == nil && !nulls {
		if at >= 0 {
			mapping.Content = slices.Delete(mapping.Content, at, at+2)
		}
		return nil
	}
	if nested, ok := value.(map[string]any); ok && at >= 0 && mapping.Content[at+1].Kind == yaml.MappingNode {
		return mergeMapping(mapping.Content[at+1], nested, nulls)
	}
	node := new(yaml.Node)
	if err := node.Encode(value); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if at >= 0 {
		mapping.Content[at+1] = node
		return nil
	}
	name := new(yaml.Node)
	name.SetString(key)
	mapping.Content = append(mapping.Content, name, node)
	return nil
}

// keyIndex returns where a key is in the mapping's content, and -1 if it is not there.
func keyIndex(mapping *yaml.Node, key string) int {
	for i := 0; i < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}
