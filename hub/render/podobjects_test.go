package render

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/charts"
	upstream "github.com/back-stack/backstack/test/kind/stage/charts"
)

// What runs as pods, with the charts that the tests on kind have: upstream's own of Crossplane and Kyverno, and the
// stand-in for Argo CD's. The golden files show what a change of our values or of a version changes there, and what is
// different with a registry.
func TestObjectsOfComponentsAsPods(t *testing.T) {
	archives := packedUpstream(t)
	tree := must(t)(Hub(demo(onKind), archives))
	mirrored := must(t)(Hub(demo(onKind, fromRegistry), archives))
	for component := range archives {
		objects := deployed(t, tree, component)
		golden(t, "pods-"+component+".yaml", manifests(t, objects))
		golden(t, "pods-"+component+"-registry.yaml", manifests(t, slices.DeleteFunc(
			deployed(t, mirrored, component), func(o *unstructured.Unstructured) bool {
				return slices.ContainsFunc(objects, func(other *unstructured.Unstructured) bool {
					return reflect.DeepEqual(o.Object, other.Object)
				})
			})))
	}
}

// packedUpstream packs the charts from the modules that the engine is built from.
func packedUpstream(t *testing.T) Archives {
	t.Helper()
	const argoCD, crossplane = "github.com/argoproj/argo-cd/v3", "github.com/crossplane/crossplane/v2"
	const kyverno, kyvernoAPI = "github.com/kyverno/kyverno", "github.com/kyverno/api"
	modules, dir := moduleDirs(t, argoCD, crossplane, kyverno, kyvernoAPI), t.TempDir()
	packed, err := upstream.Write(dir, upstream.Modules{
		ArgoCD: os.DirFS(modules[argoCD]), Crossplane: os.DirFS(modules[crossplane]),
		Kyverno: os.DirFS(modules[kyverno]), KyvernoAPI: os.DirFS(modules[kyvernoAPI]),
	})
	if err != nil {
		t.Fatal(err)
	}
	archives := Archives{}
	for _, component := range charts.Components() {
		wanted, _ := charts.UpstreamOf(component.Name)
		for _, chart := range packed {
			if chart.Name == wanted.Name {
				if archives[component.Name], err = os.ReadFile(filepath.Join(dir, chart.File)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return archives
}

// deployed are the objects of a component without definitions, which are upstream's word for word.
func deployed(t *testing.T, tree Tree, component string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := Component(tree, component)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool {
		return o.GetKind() == "CustomResourceDefinition"
	})
}
