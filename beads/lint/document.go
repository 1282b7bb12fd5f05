package lint

import (
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// document is one object of a Bead, or what should be one.
type document struct {
	file   string
	text   *text // nil if a chart or a kustomization made the object
	start  int   // the rendered line with which it begins
	at     *strictyaml.Document
	object map[string]any
	part   bead.Part
	spokes bool   // it is for spokes, and not for the hub
	home   string // the namespace it goes to if it names none
	seen   bool   // a world before had it too
}

func (d *document) unstructured() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: d.object}
}

func (d *document) kind() schema.GroupVersionKind { return d.unstructured().GroupVersionKind() }

// name is the object's metadata.name.
func (d *document) name() string {
	name, _, _ := unstructured.NestedString(d.object, "metadata", "name")
	return name
}

// place returns where the field at path stands in the source, or what is around it.
func (d *document) place(path string) (line, column int) {
	if d.text == nil {
		return 0, 0
	}
	line, column = 1, 1
	if d.at != nil {
		line, column = d.at.Position(path)
	}
	return d.text.place(d.start+line-1, column)
}

// called begins a message about the field at path. An object that a chart made is named, for no line says which it is.
func (d *document) called(path string) string {
	named := ""
	if d.text == nil {
		named = d.kind().Kind + " " + d.name() + ": "
	}
	if path == "" {
		return named
	}
	return named + path + ": "
}

// within returns the place in the source of a line and a column, counted from 1, of the text at path.
func (d *document) within(path string, line, column int) (int, int) {
	if d.text == nil || d.at == nil || line == 0 {
		return d.place(path)
	}
	row, _ := d.at.Position(path)
	row += d.start - 1
	if row < 1 || row > len(d.text.rendered) {
		return d.place(path)
	}
	_, value, _ := strings.Cut(d.text.rendered[row-1], ": ")
	switch value = strings.TrimLeft(value, " "); {
	case strings.HasPrefix(value, "|") && row+line <= len(d.text.rendered):
		first := d.text.rendered[row] // its indentation is that of the block
		indent := len(first) - len(strings.TrimLeft(first, " "))
		return d.text.place(row+line, indent+column)
	case strings.HasPrefix(value, ">"):
		return d.text.place(min(row+line, len(d.text.rendered)), 0)
	case strings.HasPrefix(value, `"`), strings.HasPrefix(value, "'"):
		value = value[1:]
	}
	before := utf8.RuneCountInString(strings.TrimSuffix(d.text.rendered[row-1], value))
	return d.text.place(row, before+column)
}

// at returns the value at a path of an object, nil if there is none.
func at(object any, path ...string) any {
	for _, name := range path {
		mapping, ok := object.(map[string]any)
		if !ok {
			return nil
		}
		object = mapping[name]
	}
	return object
}

// textAt returns the text at a path of an object, empty if there is none.
func textAt(object any, path ...string) string {
	text, _ := at(object, path...).(string)
	return text
}

// listAt returns the items of the list at a path of an object.
func listAt(object any, path ...string) []any {
	list, _ := at(object, path...).([]any)
	return list
}
