package hub

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func TestPartsAreToldApartByWhatTheyNeed(t *testing.T) {
	p := partsOf([]renderedComponent{
		{"delivery", objectsOf(t,
			`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: apps}, spec: {group: delivery.dev}}`,
			`{apiVersion: delivery.dev/v1, kind: App, metadata: {name: app}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: controller}}`,
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: cache}, spec: {template: {spec: {automountServiceAccountToken: false}}}}`,
			`{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}`,
		)},
		{"infrastructure", objectsOf(t,
			`{apiVersion: pkg.infrastructure.dev/v1, kind: Function, metadata: {name: function}}`,
			`{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: class}}`,
			`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: core}}`,
			`{apiVersion: v1, kind: PersistentVolume, metadata: {name: volume}}`,
			`{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: claim}}`,
			`{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: role}}`,
		)},
	})
	for _, test := range []struct {
		part string
		got  []*unstructured.Unstructured
		want []string
	}{
		{"common", p.common, []string{"settings", "role"}},
		{"volumes", p.volumes, []string{"volume"}},
		{"claims", p.claims, []string{"claim"}},
		{"definitions", p.definitions, []string{"apps"}},
		{"custom", p.custom, []string{"app"}},
		{"aloof", p.aloof, []string{"cache"}},
		{"programs", p.programs, []string{"core"}},
		{"controllers", p.controllers, []string{"controller"}},
		{"later of delivery", p.later["delivery"], nil},
		{"later of infrastructure", p.later["infrastructure"], []string{"function", "class"}},
	} {
		var names []string
		for _, object := range test.got {
			names = append(names, object.GetName())
		}
		if !slices.Equal(names, test.want) {
			t.Errorf("%s: %q, want %q", test.part, names, test.want)
		}
	}
}

func TestThingsAreDoneInTurnToTheFirstFault(t *testing.T) {
	var done []int
	fault := fmt.Errorf("no")
	thing := func(n int, err error) func() error {
		return func() error { done = append(done, n); return err }
	}
	if err := inTurn(thing(1, nil), thing(2, fault), thing(3, nil)); err != fault || !slices.Equal(done, []int{1, 2}) {
		t.Errorf("%v after %v: want the fault of the second, and no third", err, done)
	}
}

func objectsOf(t *testing.T, texts ...string) []*unstructured.Unstructured {
	t.Helper()
	objects := make([]*unstructured.Unstructured, len(texts))
	for n, text := range texts {
		objects[n] = &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &objects[n].Object); err != nil {
			t.Fatal(err)
		}
	}
	return objects
}
