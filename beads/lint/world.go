package lint

import (
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// world is what a Bead amounts to with one set of values.
type world struct {
	documents []*document
}

// worlds renders the Bead with the defaults, and with what makes templates take their other branches: a hub without
// nodes, the other side of every boolean, the other choices of every enum. Documents that are the same as in a world
// before are marked as seen.
func (l *linter) worlds(ctx context.Context) []*world {
	var found []*world
	seen := make(map[documentKey]*document)
	renderings := make(map[string]bool)
	for _, v := range l.variants() {
		texts, faults := l.folder.Texts(v.hub, v.values)
		l.renderFaults(faults)
		if key := join(texts); renderings[key] {
			continue
		} else {
			renderings[key] = true
		}
		w := &world{}
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			w.documents = append(w.documents, l.parse(name, texts[name], seen)...)
		}
		w.documents = append(w.documents, l.made(ctx, v)...)
		l.define(w)
		found = append(found, w)
	}
	return found
}

// documentKey tells documents apart.
type documentKey struct {
	file  string
	start int
	text  string
}

func join(texts map[string]string) string {
	var joined strings.Builder
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		joined.WriteString(name + "\x00" + texts[name] + "\x00")
	}
	return joined.String()
}

// parse reads the documents of a rendered file.
func (l *linter) parse(name, rendered string, seen map[documentKey]*document) []*document {
	var found []*document
	t := newText(string(l.files[name]), rendered)
	for _, content := range bead.Documents(rendered) {
		key := documentKey{name, content.Line, string(content.Text)}
		known, ok := seen[key]
		if !ok {
			known = l.document(name, t, content)
			seen[key] = known
		}
		if known.object == nil || l.input(known) {
			continue
		}
		d := *known
		d.seen = ok
		found = append(found, &d)
	}
	return found
}

// document reads one document of a file, and reports what is wrong with it as YAML.
func (l *linter) document(name string, t *text, content bead.Document) *document {
	d := &document{file: name, text: t, start: content.Line, home: l.folder.Namespace()}
	part, rest, _ := strings.Cut(name, "/")
	d.part = bead.Part(part)
	d.spokes = d.part == bead.PartPolicies && strings.HasPrefix(rest, "spokes/")
	if d.part == bead.PartApplication {
		application := l.application(rest)
		d.spokes = application.Destination != nil && application.Destination.Spokes != nil
		d.home = application.Namespace
	}
	var object map[string]any
	at, err := strictyaml.Decode(content.Text, name, &object)
	l.yamlFaults(d, err)
	if at != nil {
		d.at, d.object = at, object
	}
	return d
}

// input says whether a document is what a kustomization is made of: what it amounts to is judged, and not what is in
// its files, of which some are patches.
func (l *linter) input(d *document) bool {
	if d.part != bead.PartApplication {
		return false
	}
	for dir := path.Dir(d.file); dir != "." && dir != string(bead.PartApplication); dir = path.Dir(dir) {
		if _, ok := l.files[path.Join(dir, "kustomization.yaml")]; ok {
			return true
		}
	}
	return false
}

// application returns the application that a file of application/ is of.
func (l *linter) application(file string) bead.Application {
	name, _, nested := strings.Cut(file, "/")
	if !nested {
		name = l.folder.Metadata.Name
	}
	for _, application := range l.folder.Applications() {
		if application.Name == name {
			return application
		}
	}
	return bead.Application{Name: name, Namespace: l.folder.Namespace()}
}

// define adds the kinds that the Bead defines, and those of the Beads that it requires, to what is known.
func (l *linter) define(w *world) {
	for _, d := range w.documents {
		if !d.seen && isXRD(d) {
			if crd, err := kinds.FromXRD(d.object); err == nil {
				l.library.Add(kinds.FromCRD(crd))
			}
		}
	}
}

func isXRD(d *document) bool {
	kind := d.kind()
	return kind.Group == "apiextensions.crossplane.io" && kind.Kind == "CompositeResourceDefinition"
}

// xrds are the definitions of a world.
func (w *world) xrds() []*document {
	var found []*document
	for _, d := range w.documents {
		if isXRD(d) {
			found = append(found, d)
		}
	}
	return found
}

// has says whether a world has an object of a kind and a name.
func (w *world) has(group, kind, name string) bool {
	return slices.ContainsFunc(w.documents, func(d *document) bool {
		k := d.kind()
		return k.Group == group && k.Kind == kind && d.name() == name
	})
}
