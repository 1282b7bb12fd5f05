package beads

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/helm"
)

// xrd returns a definition of cluster-wide Things whose version v1 has the schema of spec.
func xrd(t *testing.T, schema string, replace ...string) *unstructured.Unstructured {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(`apiVersion: apiextensions.crossplane.io/v2
kind: CompositeResourceDefinition
metadata: {name: things.backstack.dev}
spec:
  group: backstack.dev
  scope: Cluster
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      referenceable: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: ` + schema + `}}}
`)
	object, err := helm.Object([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestOnlyWhatFitsWhatPeopleAskedForIsTaken(t *testing.T) {
	const before = `{type: object, properties: {size: {type: string}, count: {type: integer}}}`
	claim, err := helm.Object([]byte("apiVersion: backstack.dev/v1\nkind: Thing\nmetadata: {name: a}\n" +
		"spec: {size: small, count: 3, crossplane: {compositionRef: {name: c}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		next *unstructured.Unstructured
		want []string
	}{
		{"the same", xrd(t, before), nil},
		{"a new field", xrd(t, `{type: object, properties: {size: {type: string}, count: {type: integer}, more: {type: string}}}`), nil},
		{"a new field that must be given and has a default", xrd(t, `{type: object, required: [more], properties: `+
			`{size: {type: string}, count: {type: integer}, more: {type: string, default: x}}}`), nil},
		{"no definition", nil, []string{"things.backstack.dev is gone, and there is Thing a"}},
		{"another scope", xrd(t, before, "scope: Cluster", "scope: Namespaced"),
			[]string{"things.backstack.dev: spec.scope was Cluster and would be Namespaced"}},
		{"no such version", xrd(t, before, "name: v1", "name: v2"),
			[]string{"Thing a is of version v1, which things.backstack.dev no longer serves"}},
		{"a field is gone", xrd(t, `{type: object, properties: {size: {type: string}}}`),
			[]string{"Thing a: spec.count would be lost"}},
		{"a field is of another type", xrd(t, `{type: object, properties: {size: {type: string}, count: {type: string}}}`),
			[]string{`Thing a: spec.count: Invalid value: "integer": count in body must be of type string: "integer"`}},
		{"a value is no longer allowed", xrd(t, `{type: object, properties: {size: {type: string, enum: [large]}, count: {type: integer}}}`),
			[]string{`Thing a: spec.size: Unsupported value: "small": supported values: "large"`}},
		{"a new field must be given", xrd(t, `{type: object, required: [more], properties: `+
			`{size: {type: string}, count: {type: integer}, more: {type: string}}}`),
			[]string{"Thing a: spec.more: Required value"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := breaks(xrd(t, before), test.next, []*unstructured.Unstructured{claim}); !slices.Equal(got, test.want) {
				t.Errorf("faults %q: want %q", got, test.want)
			}
		})
	}
}
