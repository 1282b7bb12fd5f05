//go:build e2e

package kind

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/helm"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// TestTheStandInMakesWhatTheRealChartMakes renders a hub with argo-helm's own chart, where that can be reached or is in the
// folder that ARGO_HELM_CHARTS names, and with the one that stands in for it.
func TestTheStandInMakesWhatTheRealChartMakes(t *testing.T) {
	upstream, _ := charts.UpstreamOf(spec.ArgoCD)
	ctx, cancel := context.WithTimeout(hubtest.Patient(t), time.Minute)
	defer cancel()
	real, err := helm.Archive(ctx, cmp.Or(os.Getenv("ARGO_HELM_CHARTS"), upstream.Repository), upstream.Name, upstream.Version)
	if err != nil {
		t.Skipf("argo-helm's chart cannot be reached: %v", err)
	}
	standIn, err := os.ReadFile(filepath.Join(on.ChartsDir(), upstream.Name+"-"+upstream.Version+".tgz"))
	if err != nil {
		t.Fatal(err)
	}
	want, got := argoCDObjects(t, real), argoCDObjects(t, standIn)
	// What the real one also makes holds no setting of a hub's: a script for Redis that nothing runs, and a role without use.
	left := []string{
		"ConfigMap argocd argocd-redis-health-configmap", "Role argocd argocd-repo-server", "RoleBinding argocd argocd-repo-server",
	}
	for _, name := range want {
		if !slices.Contains(got, name) && !slices.Contains(left, name) {
			t.Errorf("the stand-in lacks %s", name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("the stand-in has %s, which argo-helm's chart does not make", name)
		}
	}
}

// argoCDObjects names what a hub on kind has of Argo CD with a chart of it.
func argoCDObjects(t *testing.T, archive []byte) []string {
	t.Helper()
	described, err := spec.Load([]byte(`{apiVersion: backstack.dev/v1alpha1, kind: Hub, metadata: {name: hub}, spec: {provider: kind,
  kind: {ports: {kubernetes: 1, http: 2, https: 3}},
  repositories: {hub: "https://git.example.com/hub.git", requests: "https://git.example.com/requests.git"}}}`), "hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	archives := render.Archives{spec.ArgoCD: archive}
	for _, component := range []string{spec.Crossplane, spec.Kyverno} {
		upstream, _ := charts.UpstreamOf(component)
		if archives[component], err = os.ReadFile(
			filepath.Join(on.ChartsDir(), upstream.Name+"-"+upstream.Version+".tgz"),
		); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := render.Hub(spec.Resolve(described), archives)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := render.Component(tree, spec.ArgoCD)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range objects {
		names = append(names, strings.Join([]string{object.GetKind(), object.GetNamespace(), object.GetName()}, " "))
	}
	slices.Sort(names)
	return names
}
