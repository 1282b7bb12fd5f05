package lint

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// hubFunctions are those that every hub has.
func hubFunctions() []string { return []string{"function-auto-ready", "function-patch-and-transform"} }

// resourcesKind is what function-patch-and-transform takes.
func resourcesKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "pt.fn.crossplane.io", Version: "v1beta1", Kind: "Resources"}
}

// checkComposition judges a Composition against the definition of what it composes from, and each step by its function.
func (l *linter) checkComposition(ctx context.Context, w *world, d *document) error {
	composite := l.compositeKind(w, d)
	functions := append(hubFunctions(), w.names("pkg.crossplane.io", "Function")...)
	steps := make(map[string]int)
	for i, step := range listAt(d.object, "spec", "pipeline") {
		path := strictyaml.Index("spec.pipeline", i)
		name := textAt(step, "step")
		if earlier, twice := steps[name]; twice && name != "" {
			l.fault(rulePipeline, d, path+".step", "%s is item %d already: give each step a name of its own", name, earlier)
		}
		steps[name] = i
		function := textAt(step, "functionRef", "name")
		if function != "" && !slices.Contains(functions, function) {
			l.fault(ruleFunction, d, path+".functionRef.name", "neither every hub nor this Bead has %s: %s",
				function, strictyaml.OneOf(function, functions))
		}
		input, _ := at(step, "input").(map[string]any)
		group, _ := schema.ParseGroupVersion(textAt(input, "apiVersion"))
		switch {
		case group.Group == resourcesKind().Group:
			if err := l.checkResources(ctx, d, input, path+".input", composite); err != nil {
				return err
			}
		case function == "function-patch-and-transform":
			l.fault(rulePipeline, d, path+".input",
				"is not what function-patch-and-transform takes: want apiVersion %s and kind Resources",
				resourcesKind().GroupVersion())
		}
	}
	return nil
}

// names are those of a world's objects of a kind.
func (w *world) names(group, kind string) []string {
	var names []string
	for _, d := range w.documents {
		if k := d.kind(); k.Group == group && k.Kind == kind {
			names = append(names, d.name())
		}
	}
	return names
}

// compositeKind returns the kind that a Composition composes from, nil if that is not known.
func (l *linter) compositeKind(w *world, d *document) *kinds.Kind {
	const path = "spec.compositeTypeRef"
	version, err := schema.ParseGroupVersion(textAt(d.object, "spec", "compositeTypeRef", "apiVersion"))
	kind := textAt(d.object, "spec", "compositeTypeRef", "kind")
	if err != nil || version.Empty() || kind == "" {
		return nil // the schema has said so
	}
	composite, err := l.library.Find(version.WithKind(kind))
	if err == nil {
		return composite
	}
	own := false
	var defined []string
	for _, xrd := range w.xrds() {
		group, name := textAt(xrd.object, "spec", "group"), textAt(xrd.object, "spec", "names", "kind")
		defined = append(defined, name)
		own = own || group == version.Group && name == kind
	}
	switch {
	case own:
		l.fault(ruleComposite, d, path+".apiVersion", "%v", err)
	case len(defined) > 0 && len(l.unknownBeads()) == 0:
		l.fault(ruleComposite, d, path+".kind", "no CompositeResourceDefinition of this Bead defines %s %s: %s",
			version.Group, kind, strictyaml.OneOf(kind, defined))
	default:
		l.fault(ruleCompositeElse, d, path+".kind", "not checked: nothing that is known here defines %s %s%s",
			version.Group, kind, l.perhapsRequired())
	}
	return nil
}

// unknownBeads are the required Beads of which nothing is known here.
func (l *linter) unknownBeads() []string {
	var unknown []string
	for _, name := range slices.Sorted(maps.Keys(l.folder.Spec.Requires.Beads)) {
		if l.options.Beads == nil {
			unknown = append(unknown, name)
		} else if _, ok := l.options.Beads(name); !ok {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

func (l *linter) perhapsRequired() string {
	if unknown := l.unknownBeads(); len(unknown) > 0 {
		return fmt.Sprintf(" (perhaps one of the required Beads does: %v)", unknown)
	}
	return "; name the Bead that does in spec.requires.beads"
}

// checkResources judges the input of function-patch-and-transform.
func (l *linter) checkResources(
	ctx context.Context, d *document, input map[string]any, path string, composite *kinds.Kind,
) error {
	kind, err := l.library.Find(resourcesKind())
	if err != nil {
		return err
	}
	faults, err := kind.Check(ctx, input)
	if err != nil {
		return err
	}
	for _, fault := range faults {
		l.fault(ruleSchema, d, join2(path, fault.Path), "%s", fault.Message)
	}
	p := patches{linter: l, document: d, composite: composite, sets: make(map[string][]any)}
	for i, set := range listAt(input, "patchSets") {
		at := strictyaml.Index(path+".patchSets", i)
		name := textAt(set, "name")
		if _, twice := p.sets[name]; twice {
			l.fault(rulePatch, d, at+".name", "%s is the name of another patch set", name)
		}
		p.sets[name] = listAt(set, "patches")
		for n, patch := range p.sets[name] {
			p.check(patch, strictyaml.Index(at+".patches", n), nil, nil)
		}
	}
	names := make(map[string]int)
	// Beside each other, for each may need a large schema of its own.
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, resource := range listAt(input, "resources") {
		at := strictyaml.Index(path+".resources", i)
		name := textAt(resource, "name")
		if earlier, twice := names[name]; twice {
			l.fault(rulePipeline, d, at+".name", "%s is item %d already: give each resource a name of its own", name, earlier)
		}
		names[name] = i
		group.Go(func() error { return l.checkResource(ctx, &p, resource, at) })
	}
	return group.Wait()
}

// join2 puts one path beneath another.
func join2(outer, inner string) string {
	if inner == "" {
		return outer
	}
	if inner[0] == '[' {
		return outer + inner
	}
	return outer + "." + inner
}

// checkResource judges one composed object: its base with what the patches make of it.
func (l *linter) checkResource(ctx context.Context, p *patches, resource any, path string) error {
	base, _ := at(resource, "base").(map[string]any)
	var composed *kinds.Kind
	if base != nil {
		composed = l.composedKind(p, base, path+".base")
	}
	filled := &filled{object: deepCopy(base)}
	for i, patch := range listAt(resource, "patches") {
		p.check(patch, strictyaml.Index(path+".patches", i), composed, filled)
	}
	if composed == nil {
		return nil
	}
	faults, err := composed.Check(ctx, filled.object)
	if err != nil {
		return err
	}
	for _, fault := range faults {
		if !filled.patched(fault) {
			l.fault(ruleComposed, p.document, join2(path+".base", fault.Path), "%s (%s)", fault.Message, composed.Kind)
		}
	}
	return nil
}

// composedKind returns the kind of a composed object, nil if it is not known.
func (l *linter) composedKind(p *patches, base map[string]any, path string) *kinds.Kind {
	version, err := schema.ParseGroupVersion(textAt(base, "apiVersion"))
	name := textAt(base, "kind")
	if err != nil || version.Version == "" || name == "" {
		l.fault(ruleComposed, p.document, path, "is no object: want apiVersion and kind")
		return nil
	}
	gvk := version.WithKind(name)
	kind, err := l.library.Find(gvk)
	elsewhere := err != nil && !scheme.Scheme.IsGroupRegistered(gvk.Group) && len(l.unknownBeads()) > 0
	switch {
	case errors.Is(err, kinds.ErrUnknownGroup), elsewhere:
		l.fault(ruleComposedKind, p.document, path+".kind",
			"%s %s is not checked: no schema of it is known; give the folder that has it with --schemas",
			gvk.Group, gvk.Kind)
		return nil
	case err != nil:
		l.fault(ruleKindUnknown, p.document, path+".kind", "%v", err)
		return nil
	}
	namespaced := p.composite != nil && p.composite.Scope == kinds.Namespaced
	clusterWide := kind.Scope == kinds.ClusterWide || kind.Scope == kinds.UnknownScope && bead.ClusterWide(gvk)
	if namespaced && clusterWide {
		l.fault(ruleComposedScope, p.document, path+".kind",
			"%s is in no namespace, and %s is in one, which Crossplane refuses: want scope: Cluster for %s, or another kind",
			gvk.Kind, p.composite.Kind, p.composite.Kind)
	}
	return kind
}
