package strictyaml

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

const (
	maxDepth   = 100    // of lists and mappings in each other
	maxAliased = 10_000 // values that a document may take in through aliases
)

// expandAliases puts what each alias names in its place. It refuses a document whose aliases multiply its size, whose
// aliases contain themselves, or that is nested so deeply that nobody wrote it.
func expandAliases(root *yaml.Node) *Fault {
	e := expander{open: make(map[*yaml.Node]bool)}
	e.expand(root, 0, false)
	return e.fault
}

// expander walks a document; it stops at the first fault.
type expander struct {
	open    map[*yaml.Node]bool // the anchors around the node at hand
	aliased int                 // values taken in through aliases so far
	fault   *Fault
}

// expand returns what stands in the place of node.
func (e *expander) expand(node *yaml.Node, depth int, aliased bool) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		if e.open[node.Alias] {
			e.refuse(node, "*%s lies within what it names: leave it out", node.Value)
			return node
		}
		return e.expand(node.Alias, depth, true)
	}
	if depth > maxDepth {
		e.refuse(node, "is nested more than %d deep", maxDepth)
	}
	if aliased {
		if e.aliased++; e.aliased > maxAliased {
			e.refuse(node, "aliases multiply the document to more than %d values: write out what is meant", maxAliased)
		}
	}
	if node.Anchor != "" {
		e.open[node] = true
		defer delete(e.open, node)
	}
	for i := 0; i < len(node.Content) && e.fault == nil; i++ {
		node.Content[i] = e.expand(node.Content[i], depth+1, aliased)
	}
	return node
}

// refuse records the fault, unless there is one.
func (e *expander) refuse(node *yaml.Node, format string, args ...any) {
	if e.fault == nil {
		e.fault = &Fault{Line: node.Line, Column: node.Column, Message: fmt.Sprintf(format, args...)}
	}
}
