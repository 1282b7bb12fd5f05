package bead

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// ChartFetcher gets the files of a chart that is kept elsewhere.
type ChartFetcher func(context.Context, ChartReference) (map[string][]byte, error)

// Rendered is what a Bead amounts to on a hub.
type Rendered struct {
	Hub     []Group           // what is applied to the hub, in the order in which it is
	Spokes  []SpokeGroup      // what is applied to spokes
	Catalog Files             // what is for the portal, with paths from templates/
	Texts   map[string]string // every file that is a template, as it was rendered
}

// Group are the objects of a part, or of an application.
type Group struct {
	Part      Part
	Name      string // the application's; empty for other parts
	Namespace string // where objects go that name none
	Wave      int
	Manifests []Manifest
}

// SpokeGroup is a Group for spokes.
type SpokeGroup struct {
	Group
	Selector Selector
}

// Objects are all objects for the hub.
func (r *Rendered) Objects() []Manifest {
	var all []Manifest
	for _, group := range r.Hub {
		all = append(all, group.Manifests...)
	}
	return all
}

// Render returns what the Bead amounts to on a hub with the values, which are those of Values. Everything that does not
// render is in the error, one file after the other.
func (f *Folder) Render(ctx context.Context, hub Hub, values map[string]any, fetch ChartFetcher) (*Rendered, error) {
	r := renderer{folder: f, hub: hub, values: values, fetch: fetch, out: &Rendered{Catalog: Files{}, Texts: map[string]string{}}}
	r.objects(PartComposites, nil)
	r.objects(PartPolicies, func(name string) bool { return !strings.HasPrefix(name, spokePolicies+"/") })
	for _, application := range f.Applications() {
		r.application(ctx, application)
	}
	r.spokePolicies()
	r.catalog()
	if err := errors.Join(r.faults...); err != nil {
		return nil, fmt.Errorf("rendering Bead %s: %w", f.Metadata.Name, err)
	}
	r.finish()
	return r.out, nil
}

// renderer renders one Bead.
type renderer struct {
	folder *Folder
	hub    Hub
	values map[string]any
	fetch  ChartFetcher
	out    *Rendered
	faults []error
}

func (r *renderer) fault(err error) { r.faults = append(r.faults, err) }

// texts renders the manifests among a part's files for which want is true; nil is for all.
func (r *renderer) texts(part Part, want func(string) bool) map[string]string {
	files := make(Files)
	for name, content := range r.folder.Files {
		if strings.HasPrefix(name, string(part)+"/") && isManifest(name) && (want == nil || want(name)) {
			files[name] = content
		}
	}
	if len(files) == 0 {
		return nil
	}
	texts, err := r.folder.execute(part, files, r.hub, r.values)
	if err != nil {
		r.fault(err)
		return nil
	}
	maps.Copy(r.out.Texts, texts)
	return texts
}

// read returns the objects of rendered files.
func (r *renderer) read(texts map[string]string) []Manifest {
	var all []Manifest
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		found, err := manifests(name, texts[name])
		if err != nil {
			r.fault(err)
		}
		all = append(all, found...)
	}
	return all
}

func (r *renderer) objects(part Part, want func(string) bool) {
	if found := r.read(r.texts(part, want)); len(found) > 0 {
		r.out.Hub = append(r.out.Hub, Group{Part: part, Namespace: r.folder.Namespace(), Manifests: found})
	}
}

// application renders an application, whatever it is made of.
func (r *renderer) application(ctx context.Context, a Application) {
	found, err := r.applicationManifests(ctx, a)
	if err != nil {
		r.fault(fmt.Errorf("application %s: %w", a.Name, err))
		return
	}
	group := Group{Part: PartApplication, Name: a.Name, Namespace: a.Namespace, Wave: a.Wave, Manifests: found}
	if a.Destination != nil && a.Destination.Spokes != nil {
		r.out.Spokes = append(r.out.Spokes, SpokeGroup{Group: group, Selector: *a.Destination.Spokes})
		return
	}
	r.out.Hub = append(r.out.Hub, group)
}

func (r *renderer) spokePolicies() {
	found := r.read(r.texts(PartPolicies, func(name string) bool { return strings.HasPrefix(name, spokePolicies+"/") }))
	if len(found) == 0 {
		return
	}
	selector := Selector{}
	if r.folder.Spec.Spokes != nil {
		selector = *r.folder.Spec.Spokes
	}
	r.out.Spokes = append(r.out.Spokes, SpokeGroup{
		Group: Group{
			Part: PartPolicies, Name: string(PartPolicies), Namespace: r.folder.Namespace(), Manifests: found,
		},
		Selector: selector,
	})
}

// catalog renders the entities; what templates copy stays as it is.
func (r *renderer) catalog() {
	texts := r.texts(PartTemplates, func(name string) bool {
		return !skeleton(strings.TrimPrefix(name, string(PartTemplates)+"/"))
	})
	for name, content := range r.folder.Files.Sub(string(PartTemplates)) {
		if name == helpersFile {
			continue
		}
		if text, rendered := texts[path.Join(string(PartTemplates), name)]; rendered {
			content = []byte(text)
		}
		r.out.Catalog[name] = content
	}
}

// finish labels every object, and adds the Bead's namespace where an object needs it.
func (r *renderer) finish() {
	need := false
	scopes := scopes{defined: map[string]bool{}}
	scopes.learn(r.out.Objects())
	for _, group := range r.out.Hub {
		for _, manifest := range group.Manifests {
			scopes.settle(manifest.Object, group.Namespace)
			r.label(manifest.Object)
			need = need || manifest.Object.GetNamespace() == r.folder.Namespace()
		}
	}
	for _, group := range r.out.Spokes {
		for _, manifest := range group.Manifests {
			r.label(manifest.Object)
		}
	}
	if need && !r.brings("Namespace", r.folder.Namespace()) {
		namespace := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": r.folder.Namespace()},
		}}
		r.label(namespace)
		first := Group{Part: PartApplication, Name: "namespace", Wave: firstWave(r.out.Hub), Manifests: []Manifest{
			{File: FileName, Object: namespace},
		}}
		r.out.Hub = append([]Group{first}, r.out.Hub...)
	}
}

func firstWave(groups []Group) int {
	first := 0
	for _, group := range groups {
		first = min(first, group.Wave)
	}
	return first
}

func (r *renderer) brings(kind, name string) bool {
	return slices.ContainsFunc(r.out.Objects(), func(m Manifest) bool {
		return m.Object.GetKind() == kind && m.Object.GetName() == name
	})
}

func (r *renderer) label(object *unstructured.Unstructured) {
	labels := object.GetLabels()
	if labels == nil {
		labels = make(map[string]string)
	}
	labels[Label] = r.folder.Metadata.Name
	object.SetLabels(labels)
}
