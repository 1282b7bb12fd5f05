package beadtest

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

func TestKindsThatNothingDefinesAreNamedBeforeAHubIsStarted(t *testing.T) {
	folder := read(t, "wrong")
	folder.Files["tests/unknown.yaml"] = []byte(`
apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: several}
spec:
  given:
    - {apiVersion: example.com/v1, kind: Given, metadata: {name: a}}
  composes:
    - claim: {apiVersion: mistake.backstack.dev/v1, kind: Mistake, metadata: {name: a}}
      objects: [{apiVersion: example.com/v1, kind: Wanted, metadata: {name: a}}]
      absent: [{apiVersion: argoproj.io/v1alpha1, kind: Application, metadata: {name: a}}]
  admits:
    - object: {apiVersion: mistake.backstack.dev/v2, kind: Mistake, metadata: {name: a}}
  refuses:
    - object: {apiVersion: kubernetes.crossplane.io/v1alpha2, kind: Object, metadata: {name: a}}
      message: no
---
apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: another}
spec:
  composes:
    - claim: {apiVersion: mistake.backstack.dev/v1, kind: Mistake, metadata: {name: a}}
      objects: [{apiVersion: example.com/v1, kind: Wanted, metadata: {name: a}}]
---
apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: defined}
spec:
  given:
    - apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata: {name: brought.example.com}
      spec: {group: example.com, names: {kind: Brought, plural: brought}, versions: [{name: v1, served: true}]}
  admits:
    - object: {apiVersion: example.com/v1, kind: Brought, metadata: {name: a}}
`)
	options := Options{
		Folder: folder, Only: regexp.MustCompile("^(several|another|defined|template)$"), Timeout: time.Minute,
		// So that a hub cannot be started.
		Home: hub.Home{State: t.TempDir()}, Archive: "none", Supervisor: func(string) []string { return []string{"false"} },
	}
	_, err := Run(t.Context(), options, report.Discard)
	if request := new(hub.RequestError); !errors.As(err, &request) {
		t.Fatalf("the error is %v: want a wrong request", err)
	}
	const want = `tests need kinds that nothing defines on a hub without the provider's programs:
  Given of example.com/v1 (test several)
  Mistake of mistake.backstack.dev/v2 (test several)
  Object of kubernetes.crossplane.io/v1alpha2 (test several)
  Wanted of example.com/v1 (test several, another)
want a folder with their definitions (CRDs): --schemas DIR`
	if err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
	options.Schemas = t.TempDir()
	_, err = Run(t.Context(), options, report.Discard)
	if err == nil || !strings.Contains(err.Error(), "want their definitions (CRDs) in "+options.Schemas) {
		t.Errorf("the error is %v: want it to name the folder of --schemas", err)
	}
}

func TestKindsThatClaimsAreComposedOfAreNeeded(t *testing.T) {
	base := func(apiVersion, kind string) map[string]any {
		return map[string]any{"base": map[string]any{"apiVersion": apiVersion, "kind": kind}}
	}
	optional := base("example.com/v1", "Optional")
	optional["patches"] = []any{map[string]any{"policy": map[string]any{"fromFieldPath": "Required"}}}
	composition := func(kind string, resources ...any) *unstructured.Unstructured {
		return object("apiextensions.crossplane.io/v1", kindComposition, map[string]any{
			"compositeTypeRef": map[string]any{"apiVersion": "a.dev/v1", "kind": kind},
			"pipeline":         []any{map[string]any{"input": map[string]any{"resources": resources}}},
		})
	}
	objects := []*unstructured.Unstructured{
		composition("Outer", base("a.dev/v1", "Inner"), base("example.com/v1", "Network"), optional),
		composition("Inner", base("example.com/v1", "Subnetwork"), base("a.dev/v1", "Outer")),
		composition("Either", base("example.com/v1", "One")), composition("Either", base("example.com/v1", "Other")),
	}
	claim := func(kind string) map[string]any { return map[string]any{"apiVersion": "a.dev/v1", "kind": kind} }
	ready, unready := true, false
	for name, test := range map[string]struct {
		composition Composition
		want        []string
	}{
		"all of it": {Composition{Claim: claim("Outer"), Ready: &ready}, []string{"Inner", "Network", "Outer", "Subnetwork"}},
		"a part is to be absent": {
			Composition{Claim: claim("Inner"), Absent: []map[string]any{claim("Absent")}},
			[]string{"Absent", "Inner", "Network", "Outer", "Subnetwork"},
		},
		"it is not to be ready": {Composition{Claim: claim("Outer"), Ready: &unready}, []string{"Outer"}},
		"a part":                {Composition{Claim: claim("Outer"), Objects: []map[string]any{claim("Part")}}, []string{"Outer", "Part"}},
		"one of two":            {Composition{Claim: claim("Either"), Ready: &ready}, []string{"Either"}},
	} {
		var got []string
		for kind := range (Test{Spec: Spec{Composes: []Composition{test.composition}}}).kinds(objects) {
			got = append(got, kind.Kind)
		}
		if slices.Sort(got); !slices.Equal(got, test.want) {
			t.Errorf("%s: the kinds are %q: want %q", name, got, test.want)
		}
	}
}
