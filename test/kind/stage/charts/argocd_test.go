package charts

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/helm"
)

func TestStandInMakesWhatManifestsHaveAndValuesAllow(t *testing.T) {
	objects := mustRender(t, nil)
	want := []string{
		"ClusterRole argocd-server", "ClusterRoleBinding argocd-server", "ConfigMap argocd-gpg-keys-cm",
		"CustomResourceDefinition applications.argoproj.io", "Deployment argocd-redis", "Deployment argocd-server",
		"NetworkPolicy argocd-server", "Service argocd-server",
	}
	if got := slices.Sorted(maps.Keys(objects)); !slices.Equal(got, want) {
		t.Errorf("got %q: want %q", got, want)
	}
	for name, o := range objects {
		namespaced := !strings.HasPrefix(o.GetKind(), "Cluster") && o.GetKind() != "CustomResourceDefinition"
		if (o.GetNamespace() == "delivery") != namespaced {
			t.Errorf("%s is in %q", name, o.GetNamespace())
		}
		if o.GetLabels()["app.kubernetes.io/instance"] != "argocd" {
			t.Errorf("%s has labels %v", name, o.GetLabels())
		}
	}
	text := field(t, objects["CustomResourceDefinition applications.argoproj.io"], "spec", "description")
	if text != "as in {{ .name }}" {
		t.Errorf("an example became %q", text)
	}
	keep := objects["CustomResourceDefinition applications.argoproj.io"].GetAnnotations()["helm.sh/resource-policy"]
	if keep != "keep" {
		t.Errorf("the definitions' policy is %q: want keep", keep)
	}
	subjects, _, err := unstructured.NestedSlice(objects["ClusterRoleBinding argocd-server"].Object, "subjects")
	if err != nil || subjects[0].(map[string]any)["namespace"] != "delivery" {
		t.Errorf("the subjects are %v, %v", subjects, err)
	}
	if _, found, _ := unstructured.NestedSlice(pod(t, objects["Deployment argocd-redis"]), "initContainers"); found {
		t.Error("an init container makes the password of Redis")
	}
}

func TestStandInObeysValues(t *testing.T) {
	objects := mustRender(t, map[string]any{
		"crds": map[string]any{"install": false},
		"global": map[string]any{
			"image":            map[string]any{"repository": "mirror/argocd", "tag": "v9"},
			"imagePullSecrets": []any{map[string]any{"name": "mirror"}},
			"networkPolicy":    map[string]any{"defaultDenyIngress": true},
		},
		"redis": map[string]any{"image": map[string]any{"repository": "mirror/redis", "tag": "7"}},
		"server": map[string]any{
			"extraArgs": []any{"--insecure"}, "service": map[string]any{"type": "NodePort"}, "replicas": 2,
			"resources": map[string]any{"requests": map[string]any{"cpu": "10m"}},
			"podLabels": map[string]any{"own": "label"}, "podAnnotations": map[string]any{"own": "annotation"},
			"env":          []any{map[string]any{"name": "OWN", "value": "1"}},
			"volumes":      []any{map[string]any{"name": "own", "emptyDir": map[string]any{}}},
			"volumeMounts": []any{map[string]any{"name": "own", "mountPath": "/own"}},
		},
	})
	if objects["CustomResourceDefinition applications.argoproj.io"] != nil {
		t.Error("the definitions are there")
	}
	if objects["NetworkPolicy argocd-default-deny"] == nil {
		t.Error("there is no policy that denies")
	}
	if got := field(t, objects["Service argocd-server"], "spec", "type"); got != "NodePort" {
		t.Errorf("the service's type is %q", got)
	}
	server := objects["Deployment argocd-server"]
	if replicas, _, err := unstructured.NestedInt64(server.Object, "spec", "replicas"); err != nil || replicas != 2 {
		t.Errorf("there are %d replicas, %v", replicas, err)
	}
	for _, path := range []string{"labels", "annotations"} {
		got, _, err := unstructured.NestedStringMap(server.Object, "spec", "template", "metadata", path)
		if err != nil || got["own"] == "" || path == "labels" && got["app.kubernetes.io/name"] != "argocd-server" {
			t.Errorf("the pods' %s are %v, %v", path, got, err)
		}
	}
	container := containers(t, server)[0]
	if container["image"] != "mirror/argocd:v9" {
		t.Errorf("the image is %v", container["image"])
	}
	for key, want := range map[string]int{"args": 2, "env": 2, "volumeMounts": 2} {
		if got := container[key].([]any); len(got) != want {
			t.Errorf("%s are %v: want %d", key, got, want)
		}
	}
	if got := containers(t, objects["Deployment argocd-redis"])[0]["image"]; got != "mirror/redis:7" {
		t.Errorf("the image of Redis is %v", got)
	}
	for _, name := range []string{"Deployment argocd-server", "Deployment argocd-redis"} {
		if got := pod(t, objects[name])["imagePullSecrets"].([]any); len(got) != 1 {
			t.Errorf("%s is pulled with %v", name, got)
		}
	}
}

func TestStandInRefusesWhatItDoesNotObey(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"an unknown value":    {"server": map[string]any{"lifecycle": map[string]any{}}},
		"what is not there":   {"dex": map[string]any{"enabled": true}},
		"configuration":       {"configs": map[string]any{"cm": map[string]any{"create": true}}},
		"a value of no chart": {"serve": map[string]any{}},
	} {
		if _, err := render(t, "argocd", values); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := render(t, "other", nil); err == nil || !strings.Contains(err.Error(), "want argocd") {
		t.Errorf("a release of another name: %v", err)
	}
}

func mustRender(t *testing.T, values map[string]any) map[string]*unstructured.Unstructured {
	t.Helper()
	objects, err := render(t, "argocd", values)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*unstructured.Unstructured{}
	for _, o := range objects {
		found[o.GetKind()+" "+o.GetName()] = o
	}
	return found
}

func render(t *testing.T, release string, values map[string]any) ([]*unstructured.Unstructured, error) {
	t.Helper()
	chart, err := argoCD(fstest.MapFS{"manifests/install.yaml": {Data: []byte(manifests)}})
	if err != nil {
		t.Fatal(err)
	}
	return helm.Chart(chart, helm.Release{Name: release, Namespace: "delivery", Values: values})
}

func field(t *testing.T, o *unstructured.Unstructured, path ...string) string {
	t.Helper()
	text, _, err := unstructured.NestedString(o.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func pod(t *testing.T, workload *unstructured.Unstructured) map[string]any {
	t.Helper()
	spec, _, err := unstructured.NestedMap(workload.Object, "spec", "template", "spec")
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func containers(t *testing.T, workload *unstructured.Unstructured) []map[string]any {
	t.Helper()
	var found []map[string]any
	for _, c := range pod(t, workload)["containers"].([]any) {
		found = append(found, c.(map[string]any))
	}
	return found
}

// manifests are a small install.yaml.
const manifests = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applications.argoproj.io}
spec: {description: "as in {{ .name }}"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: argocd-server}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: argocd-applicationset-controller}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: argocd-server}
subjects:
- {kind: ServiceAccount, name: argocd-server, namespace: argocd}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-gpg-keys-cm}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: argocd-redis}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: argocd-dex-server}
---
apiVersion: v1
kind: Service
metadata: {name: argocd-server-metrics}
---
apiVersion: v1
kind: Service
metadata: {name: argocd-server}
spec: {ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: argocd-server-network-policy}
spec: {podSelector: {}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-redis}
spec:
  template:
    metadata: {labels: {app.kubernetes.io/name: argocd-redis}}
    spec:
      serviceAccountName: argocd-redis
      initContainers: [{name: secret-init, image: argocd}]
      containers: [{name: redis, image: redis}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-server}
spec:
  template:
    metadata: {labels: {app.kubernetes.io/name: argocd-server}}
    spec:
      containers:
      - name: argocd-server
        image: argocd
        args: [/usr/local/bin/argocd-server]
        env: [{name: REDIS_PASSWORD, value: "1"}]
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
`
