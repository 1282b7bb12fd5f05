package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// entry is one field of a mapping.
type entry struct {
	name, path string
	key, value *yaml.Node
}

// entries returns the fields of the mapping at path, each name once, in their order; those that a merge key (<<) takes
// in come last. It records where they stand, and names that are given twice or are none.
func (d *decoder) entries(node *yaml.Node, path string) []entry {
	var found []entry
	var merged []*yaml.Node
	first := make(map[string]*yaml.Node, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode || isNull(key) || tagFault(key) != "" {
			d.fault(key, path, "want the name of a field, found "+describe(key))
			continue
		}
		at := Key(path, key.Value)
		if earlier, twice := first[key.Value]; twice {
			d.fault(key, at, fmt.Sprintf("is given twice: take out this or the one in line %d", earlier.Line))
			continue
		}
		first[key.Value] = key
		d.place(at, key)
		found = append(found, entry{name: key.Value, path: at, key: key, value: value})
	}
	for _, value := range merged {
		found = d.merge(found, value, path)
	}
	return found
}

// merge adds the fields of a merge key's value, a mapping or a list of them, that are not yet among found.
func (d *decoder) merge(found []entry, node *yaml.Node, path string) []entry {
	sources := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		sources = node.Content
	}
	have := make(map[string]bool, len(found))
	for _, e := range found {
		have[e.name] = true
	}
	for _, source := range sources {
		if source.Kind != yaml.MappingNode {
			d.fault(source, Key(path, "<<"), "want a mapping or a list of mappings, found "+describe(source))
			continue
		}
		for _, e := range d.entries(source, path) {
			if !have[e.name] {
				have[e.name] = true
				found = append(found, e)
			}
		}
	}
	return found
}
