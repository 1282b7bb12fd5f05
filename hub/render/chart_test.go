package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/internal/helm"
)

func TestTheRootComesLastAndTracksAllApplicationsItselfAmongThem(t *testing.T) {
	objects, err := Applications(hub(t, demo()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, object := range objects {
		names = append(names, object.GetName())
		got := object.GetAnnotations()[trackingAnnotation]
		if want := "hub:argoproj.io/" + object.GetKind() + ":argocd/" + object.GetName(); got != want {
			t.Errorf("the tracking ID of %s is %q: want %q", object.GetName(), got, want)
		}
	}
	if want := "argocd beads crossplane kyverno policies requests hub"; strings.Join(names, " ") != want {
		t.Errorf("they come as %s: want %s", names, want)
	}
}

func TestApplicationsWithoutARootAreRefused(t *testing.T) {
	tree := hub(t, demo())
	delete(tree, "apps/hub.yaml")
	if _, err := Applications(tree); err == nil || !strings.Contains(err.Error(), "there is no Application hub") {
		t.Errorf("the error is %v: want it to say that there is no root", err)
	}
}

func TestObjectsAreTrackedAsArgoCDTracksThem(t *testing.T) {
	tree := hub(t, demo())
	for _, test := range []struct{ component, kind, name, want string }{
		{"argocd", "ConfigMap", "argocd-cm", "argocd:/ConfigMap:argocd/argocd-cm"},
		// Cluster-wide objects have the namespace of the Application's destination.
		{"argocd", "ClusterRole", "argocd-server", "argocd:rbac.authorization.k8s.io/ClusterRole:argocd/argocd-server"},
		{"crossplane", "Function", "function-auto-ready",
			"crossplane:pkg.crossplane.io/Function:crossplane-system/function-auto-ready"},
	} {
		object := find(t, tree, test.component, test.kind, test.name)
		got := object["metadata"].(map[string]any)["annotations"].(map[string]any)[trackingAnnotation]
		if got != test.want {
			t.Errorf("the tracking ID of %s %s is %v: want %s", test.kind, test.name, got, test.want)
		}
	}
}

func TestAnObjectElsewhereIsTrackedInItsOwnNamespace(t *testing.T) {
	object, err := helm.Object([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: elsewhere}"))
	if err != nil {
		t.Fatal(err)
	}
	track(object, "argocd", "argocd")
	if got, want := object.GetAnnotations()[trackingAnnotation], "argocd:/ConfigMap:elsewhere/a"; got != want {
		t.Errorf("its tracking ID is %q: want %q", got, want)
	}
}

func TestDefinitionsAreNotTracked(t *testing.T) {
	object, err := helm.Object([]byte("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n" +
		"metadata: {name: a}"))
	if err != nil {
		t.Fatal(err)
	}
	track(object, "argocd", "argocd")
	if got := object.GetAnnotations(); len(got) > 0 {
		t.Errorf("its annotations are %v: want none, as Argo CD leaves them", got)
	}
}

func TestObjectsComeInTheOrderOfInstallation(t *testing.T) {
	objects, err := Component(hub(t, demo()), "argocd")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, object := range objects {
		kinds = append(kinds, object.GetKind())
	}
	want := []string{
		"ServiceAccount", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "AppProject",
	}
	if got := slices.Compact(kinds); !slices.Equal(got, want) {
		t.Errorf("the kinds come as %s: want %s", got, want)
	}
}

func TestChartsSeeTheClusterThatTheyAreFor(t *testing.T) {
	tree := Tree{
		"components/demo/Chart.yaml": []byte("apiVersion: v2\nname: other\nversion: 0.1.0\nkubeVersion: \">=1.36.0\"\n"),
		"components/demo/templates/a.yaml": []byte("apiVersion: v1\nkind: ConfigMap\nmetadata:\n" +
			"  name: {{ .Release.Name }}\n  namespace: {{ .Release.Namespace }}\n" +
			"data:\n  version: {{ .Capabilities.KubeVersion.Version }}\n  text: |\n    line\n"),
		"components/demo/templates/NOTES.txt": []byte("Read me."),
	}
	objects, err := Chart(tree, "components/demo", "here")
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != 1 || objects[0].GetName() != "demo" || objects[0].GetNamespace() != "here" {
		t.Fatalf("the objects are %v: want one, called like the folder, in the namespace", objects)
	}
	data := objects[0].Object["data"].(map[string]any)
	if want := "v" + charts.Kubernetes; data["version"] != want {
		t.Errorf("the chart sees Kubernetes %s: want %s", data["version"], want)
	}
	if data["text"] != "line\n" {
		t.Errorf("the text at the end is %q: want its line to end", data["text"])
	}
}

func TestAChartForAnotherKubernetesIsRefused(t *testing.T) {
	tree := hub(t, demo())
	tree["components/kyverno/Chart.yaml"] = []byte(
		"apiVersion: v2\nname: kyverno\nversion: 0.1.0\nkubeVersion: \"<1.30.0\"\n")
	_, err := Chart(tree, "components/kyverno", "kyverno")
	want := "it needs Kubernetes <1.30.0: this is v" + charts.Kubernetes
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}

func TestAComponentWithoutAChartIsRefused(t *testing.T) {
	_, err := Component(hub(t, demo()), "backstage")
	if want := `component "backstage"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to name %s", err, want)
	}
}

func TestAChartThatDoesNotRenderSaysWhere(t *testing.T) {
	tree := hub(t, demo())
	tree["components/kyverno/templates/broken.yaml"] = []byte("{{ .Values.nothing.at.all }}")
	_, err := Chart(tree, "components/kyverno", "kyverno")
	if err == nil || !strings.Contains(fmt.Sprint(err), "components/kyverno: template: kyverno/templates/broken.yaml:1") {
		t.Errorf("the error is %v: want it to name the file and line", err)
	}
}
