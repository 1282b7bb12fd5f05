package beadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/beads/bead"
)

// group are tests that are about the Bead with the same values.
type group struct {
	values   map[string]any // those that are given; the others are the Bead's defaults
	rendered *bead.Rendered
	tests    []Test
}

// group sorts tests by their values and renders the Bead with each.
func (o Options) group(ctx context.Context, tests []Test, view bead.Hub) ([]*group, error) {
	var groups []*group
	var faults []error
	byValues := make(map[string]*group)
	for _, test := range tests {
		values := maps.Clone(o.Values)
		if values == nil {
			values = make(map[string]any)
		}
		maps.Copy(values, test.Spec.Values)
		key, err := json.Marshal(values)
		if err != nil {
			return nil, fmt.Errorf("reading the values of test %s: %w", test.Name, err)
		}
		g := byValues[string(key)]
		if g == nil {
			g = &group{values: values}
			if g.rendered, err = o.render(ctx, test, values, view); err != nil {
				faults = append(faults, err)
			}
			byValues[string(key)] = g
			groups = append(groups, g)
		}
		g.tests = append(g.tests, test)
	}
	return groups, errors.Join(faults...)
}

func (o Options) render(ctx context.Context, test Test, given map[string]any, view bead.Hub) (*bead.Rendered, error) {
	values, err := o.Folder.Values(given, fmt.Sprintf("%s:%d: values of test %s", test.File, test.Line, test.Name))
	if err != nil {
		return nil, err
	}
	return o.Folder.Render(ctx, view, values, o.Charts)
}

func (g *group) needsHub() bool { return slices.ContainsFunc(g.tests, Test.needsHub) }

// names are those of the tests.
func (g *group) names() []string {
	var names []string
	for _, test := range g.tests {
		names = append(names, test.Name)
	}
	return names
}

func needsHub(groups []*group) bool { return slices.ContainsFunc(groups, (*group).needsHub) }

// objects are all objects of the Bead for the hub.
func (g *group) objects() []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, m := range g.rendered.Objects() {
		all = append(all, m.Object)
	}
	return all
}
