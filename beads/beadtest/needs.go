package beadtest

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/beads/bead"
)

// The API groups by which the parts of a hub are known that an object needs.
const (
	crossplaneGroup = "crossplane.io"
	kyvernoGroup    = "kyverno.io"
)

// needs are what a hub must run for a Bead beside its control plane.
type needs struct {
	crossplane bool
	kyverno    []string // Kyverno's programs
	delivery   bool     // the repositories and Argo CD
}

// neededBy says what a hub of its own has to run. What a Bead does not bring it does not need.
func neededBy(groups []*group) needs {
	var n needs
	for _, g := range groups {
		if !g.needsHub() {
			continue
		}
		n.delivery = n.delivery || slices.ContainsFunc(g.rendered.Hub, func(part bead.Group) bool {
			return part.Part == bead.PartApplication && part.Name != "namespace"
		})
		for _, object := range g.objects() {
			n.add(object)
		}
		for _, test := range g.tests {
			for _, content := range test.objects() {
				n.add(&unstructured.Unstructured{Object: content})
			}
		}
	}
	slices.Sort(n.kyverno)
	n.kyverno = slices.Compact(n.kyverno)
	return n
}

// inGroup says whether an API group is outer or below it.
func inGroup(group, outer string) bool { return group == outer || strings.HasSuffix(group, "."+outer) }

func (n *needs) add(object *unstructured.Unstructured) {
	switch group := object.GroupVersionKind().Group; {
	case inGroup(group, crossplaneGroup):
		n.crossplane = true
	case inGroup(group, kyvernoGroup):
		n.kyverno = append(n.kyverno, kyvernoPrograms(object)...)
	}
}

// kyvernoPrograms are the programs that an object of Kyverno's needs to do its work.
func kyvernoPrograms(object *unstructured.Unstructured) []string {
	programs := []string{"kyverno"}
	existing, _, _ := unstructured.NestedBool(object.Object, "spec", "evaluation", "mutateExisting", "enabled")
	switch kind := strings.TrimPrefix(object.GetKind(), "Namespaced"); {
	case kind == "GeneratingPolicy", kind == "MutatingPolicy" && existing, kind == "UpdateRequest":
		programs = append(programs, "kyverno-background-controller")
	case kind == "DeletingPolicy", strings.HasSuffix(kind, "CleanupPolicy"):
		programs = append(programs, "kyverno-cleanup-controller")
	case strings.HasSuffix(kind, "Report"):
		programs = append(programs, "kyverno-reports-controller")
	}
	return programs
}
