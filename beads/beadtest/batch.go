package beadtest

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// batches sorts tests into those that can run at once, in their order: tests that are about different objects do not
// see each other. A test that gives what others are decided by, such as a role or a policy, runs alone.
func batches(tests []Test) [][]Test {
	var all [][]Test
	taken := make(map[string]bool) // what the tests of the last batch are about
	open := false                  // whether that batch takes others
	for _, test := range tests {
		about := subjects(test)
		if open && !decides(test) && disjoint(taken, about) {
			all[len(all)-1] = append(all[len(all)-1], test)
			maps.Copy(taken, about)
			continue
		}
		all = append(all, []Test{test})
		taken, open = about, !decides(test)
	}
	return all
}

// decides says whether what a test gives has a say in what becomes of other objects.
func decides(t Test) bool {
	return slices.ContainsFunc(t.Spec.Given, func(content map[string]any) bool {
		switch group := (&unstructured.Unstructured{Object: content}).GroupVersionKind().Group; {
		case inGroup(group, crossplaneGroup), inGroup(group, kyvernoGroup), strings.HasSuffix(group, ".k8s.io"):
			return true
		}
		return false
	})
}

// subjects are the objects that are there because of a test. What it asks about is not: that is a dry run.
func subjects(t Test) map[string]bool {
	about := make(map[string]bool)
	add := func(content map[string]any) {
		object := &unstructured.Unstructured{Object: content}
		kind := object.GroupVersionKind().GroupKind()
		about[kind.String()+" "+object.GetNamespace()+"/"+object.GetName()] = true
	}
	for _, content := range t.Spec.Given {
		add(content)
	}
	for _, c := range t.Spec.Composes {
		add(c.Claim)
		for _, content := range c.Objects {
			add(content)
		}
		for _, content := range c.Absent {
			add(content)
		}
	}
	return about
}

func disjoint(a, b map[string]bool) bool {
	for key := range b {
		if a[key] {
			return false
		}
	}
	return true
}
