package kube

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestReadCRDsReadsYAMLAndJSONAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"toys.yaml":          "kind: CustomResourceDefinition\nmetadata: {name: toys.example.com}\n",
		"deep/cars.json":     `{"kind":"CustomResourceDefinition","metadata":{"name":"cars.example.com"}}`,
		"kustomization.yaml": "kind: Kustomization\n",
		"README.md":          "not one",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, err := ReadCRDs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 2 || found["toys.example.com"] == nil || found["cars.example.com"] == nil {
		t.Errorf("found %v, want toys and cars", found)
	}
	if found["toys.example.com"].GetAnnotations()[hashAnnotation] == "" {
		t.Error("the definition does not say from which file it is")
	}
}

func TestReadCRDsRefusesAFolderWithoutAny(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadCRDs(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v, want one that names %s", err, dir)
	}
}

func TestCondition(t *testing.T) {
	obj := &unstructured.Unstructured{Object: map[string]any{"status": map[string]any{"conditions": []any{
		map[string]any{"type": "Ready", "status": "False"}, "no condition",
	}}}}
	for kind, want := range map[string]string{"Ready": "False", "Synced": ""} {
		if got := Condition(obj, kind); got != want {
			t.Errorf("condition %s is %q, want %q", kind, got, want)
		}
	}
}

var toys = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "toys"}

func toy(name, colour string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Toy", "metadata": map[string]any{"name": name, "namespace": "box"}, "colour": colour,
	}}
}

func TestUntilSeesChangesThatComeLater(t *testing.T) {
	cluster := fake.NewSimpleDynamicClientWithCustomListKinds(
		runtime.NewScheme(), map[schema.GroupVersionResource]string{toys: "ToyList"}, toy("car", "blue"))
	cluster.PrependWatchReactor("toys", func(clienttesting.Action) (bool, watch.Interface, error) {
		stream := watch.NewFakeWithChanSize(2, false)
		stream.Modify(toy("car", "green"))
		stream.Modify(toy("car", "red"))
		return true, stream, nil
	})
	var waited []string
	err := (&Client{dynamic: cluster}).Until(t.Context(), toys, "box", func(objects []*unstructured.Unstructured) (bool, string) {
		return len(objects) == 1 && objects[0].Object["colour"] == "red", "a red car"
	}, func(what string) { waited = append(waited, what) })
	if err != nil {
		t.Fatal(err)
	}
	if len(waited) != 1 || waited[0] != "a red car" {
		t.Errorf("told to wait for %q, want once for a red car", waited)
	}
}

func TestUntilNamesWhatItWaitedFor(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cluster := fake.NewSimpleDynamicClientWithCustomListKinds(
		runtime.NewScheme(), map[schema.GroupVersionResource]string{toys: "ToyList"})
	cluster.PrependWatchReactor("toys", func(clienttesting.Action) (bool, watch.Interface, error) {
		stream := watch.NewFake()
		stream.Stop() // as client-go's own does when its context ends
		return true, stream, nil
	})
	err := (&Client{dynamic: cluster}).Until(ctx, toys, "box", func([]*unstructured.Unstructured) (bool, string) {
		cancel(cause)
		return false, "a red car"
	}, nil)
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "a red car") {
		t.Errorf("error %v, want the cause and what was waited for", err)
	}
}

func TestResourcesArePluralsOfTheirKinds(t *testing.T) {
	for kind, want := range map[string]string{
		"Gateway": "gateways", "Policy": "policies", "ClusterPolicy": "clusterpolicies", "Ingress": "ingresses", "Pod": "pods",
		"Key": "keys", "GatewayClass": "gatewayclasses", "Endpoints": "endpoints",
	} {
		if got := guessResource(schema.GroupVersionKind{Kind: kind}).Resource; got != want {
			t.Errorf("%s has the plural %s, want %s", kind, got, want)
		}
	}
}
