package beadtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/back-stack/backstack/hub"
)

// componentGroups are the API groups, besides those of client-go, whose kinds a hub of its own can have: those of its
// API server and of its components. A provider's are not among them, for a hub of its own has no nodes to run one.
func componentGroups() []string {
	return []string{
		"apiextensions.k8s.io", "apiregistration.k8s.io", "argoproj.io",
		"apiextensions.crossplane.io", "ops.crossplane.io", "pkg.crossplane.io", "protection.crossplane.io",
		"kyverno.io", "policies.kyverno.io", "reports.kyverno.io", "wgpolicyk8s.io",
	}
}

// checkKinds refuses tests about kinds that nothing will define on the hub. They would fail all the same, but late: a
// test waits for what it expects.
func (r *runner) checkKinds(groups []*group, schemas []*unstructured.Unstructured) error {
	runs := neededBy(groups)
	unknown := make(map[schema.GroupVersionKind][]string) // the tests, by what they need
	for _, g := range groups {
		for _, test := range g.tests {
			if !test.needsHub() {
				continue
			}
			defined := servedKinds(slices.Concat(schemas, g.objects(), unstructuredOf(test.Spec.Given)))
			for kind := range test.kinds(g.objects()) {
				there, err := r.hasKind(kind, runs)
				if err != nil {
					return err
				}
				if !there && !defined[kind] {
					unknown[kind] = append(unknown[kind], test.Name)
				}
			}
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return &hub.RequestError{Err: r.options.unknownKinds(unknown)}
}

// hasKind says whether the hub has a kind, or comes to have it, without the Bead and its tests.
func (r *runner) hasKind(kind schema.GroupVersionKind, runs needs) (bool, error) {
	if r.stage != nil {
		object := new(unstructured.Unstructured)
		object.SetGroupVersionKind(kind)
		_, err := r.stage.kind(object)
		if unknown := new(unknownKindError); errors.As(err, &unknown) {
			return false, nil
		}
		return err == nil, err
	}
	if runs.delivery && len(r.options.Folder.Spec.Requires.Beads) > 0 {
		return true, nil // what the Beads bring that come along is not known yet
	}
	return scheme.Scheme.IsGroupRegistered(kind.Group) || slices.Contains(componentGroups(), kind.Group), nil
}

// unknownKinds names the kinds, and the tests that need them.
func (o Options) unknownKinds(unknown map[schema.GroupVersionKind][]string) error {
	where := "a hub without the provider's programs"
	if o.Hub != "" {
		where = "hub " + o.Hub
	}
	var lines []string
	for kind, tests := range unknown {
		lines = append(lines, fmt.Sprintf("%s of %s (test %s)", kind.Kind, kind.GroupVersion(), strings.Join(tests, ", ")))
	}
	slices.Sort(lines)
	advice := "a folder with their definitions (CRDs): --schemas DIR"
	if o.Schemas != "" {
		advice = "their definitions (CRDs) in " + o.Schemas + ", the folder of --schemas"
	}
	return fmt.Errorf("tests need kinds that nothing defines on %s:\n  %s\nwant %s", where,
		strings.Join(lines, "\n  "), advice)
}

// kinds are those that the test cannot do without: of the objects that it names, and of what a claim is composed of by
// the Bead's objects if all of that has to be there.
func (t Test) kinds(objects []*unstructured.Unstructured) map[schema.GroupVersionKind]bool {
	kinds := make(map[schema.GroupVersionKind]bool)
	for _, object := range unstructuredOf(t.objects()) {
		kinds[object.GroupVersionKind()] = true
	}
	for _, c := range t.Spec.Composes {
		whole := c.Ready != nil && *c.Ready || len(c.Absent) > 0
		if claim := (unstructured.Unstructured{Object: c.Claim}); whole {
			composedKinds(claim.GroupVersionKind().GroupKind(), objects, kinds)
		}
	}
	return kinds
}

// composedKinds adds the kinds that a composite is composed of, and those of which composites among them are. Where
// several Compositions are of a kind it depends on the claim which is used, so none counts.
func composedKinds(
	composite schema.GroupKind, objects []*unstructured.Unstructured, kinds map[schema.GroupVersionKind]bool,
) {
	compositions := filter(which(objects, kindComposition), func(c *unstructured.Unstructured) bool {
		return schema.FromAPIVersionAndKind(text(c, "spec", "compositeTypeRef", "apiVersion"),
			text(c, "spec", "compositeTypeRef", "kind")).GroupKind() == composite
	})
	if len(compositions) != 1 {
		return
	}
	for _, base := range bases(compositions[0]) {
		kind := base.GroupVersionKind()
		if kind.Kind != "" && !kinds[kind] {
			kinds[kind] = true
			composedKinds(kind.GroupKind(), objects, kinds)
		}
	}
}

// bases are what a Composition makes by patch and transform. What a required patch can leave out is not among them.
func bases(composition *unstructured.Unstructured) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	steps, _, _ := unstructured.NestedSlice(composition.Object, "spec", "pipeline")
	for _, step := range mappings(steps) {
		resources, _, _ := unstructured.NestedSlice(step, "input", "resources")
		for _, resource := range mappings(resources) {
			base, _, _ := unstructured.NestedMap(resource, "base")
			patches, _, _ := unstructured.NestedSlice(resource, "patches")
			if base != nil && !slices.ContainsFunc(mappings(patches), required) {
				found = append(found, &unstructured.Unstructured{Object: base})
			}
		}
	}
	return found
}

// required says whether a patch leaves out its resource where there is nothing to patch from.
func required(patch map[string]any) bool {
	policy, _, _ := unstructured.NestedString(patch, "policy", "fromFieldPath")
	return policy == "Required"
}

// mappings are the items of a list that are mappings.
func mappings(items []any) []map[string]any {
	var found []map[string]any
	for _, item := range items {
		if content, ok := item.(map[string]any); ok {
			found = append(found, content)
		}
	}
	return found
}

func unstructuredOf(contents []map[string]any) []*unstructured.Unstructured {
	objects := make([]*unstructured.Unstructured, len(contents))
	for i, content := range contents {
		objects[i] = &unstructured.Unstructured{Object: content}
	}
	return objects
}

// servedKinds are the kinds that definitions among the objects define, in the versions that are served.
func servedKinds(objects []*unstructured.Unstructured) map[schema.GroupVersionKind]bool {
	kinds := make(map[schema.GroupVersionKind]bool)
	for _, object := range which(objects, kindXRD, kindCRD) {
		versions, _, _ := unstructured.NestedSlice(object.Object, "spec", "versions")
		for kind := range definedKinds([]*unstructured.Unstructured{object}) {
			for _, version := range mappings(versions) {
				if name, ok := version["name"].(string); ok && version["served"] == true {
					kinds[kind.WithVersion(name)] = true
				}
			}
		}
	}
	return kinds
}
