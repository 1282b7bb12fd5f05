package hub

import (
	"maps"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestRepositoriesThatMovedAreKnownByTheApplications(t *testing.T) {
	app := func(name, url string) *unstructured.Unstructured {
		return objectsOf(t, "{kind: Application, metadata: {name: "+name+"}, spec: {source: {repoURL: \""+url+"\"}}}")[0]
	}
	present := []unstructured.Unstructured{
		*app("hub", "https://old/hub.git"), *app("requests", "https://same/requests.git"), *app("someones", "https://old/other.git"),
	}
	rendered := []*unstructured.Unstructured{app("hub", "https://new/hub.git"), app("requests", "https://same/requests.git")}
	want := map[string]string{"https://old/hub.git": "https://new/hub.git"}
	if moved := movedRepositories(present, rendered); !maps.Equal(moved, want) {
		t.Errorf("moved are %v, want %v", moved, want)
	}
}

func TestAddressesAreReplacedWhereverTheyAre(t *testing.T) {
	object := objectsOf(t, `{spec: {sourceRepos: [old, old/charts], template: {spec: {source: {repoURL: old, path: a}}}}}`)[0]
	changed, some := readdressed(object.Object, map[string]string{"old": "new"})
	want := objectsOf(t, `{spec: {sourceRepos: [new, old/charts], template: {spec: {source: {repoURL: new, path: a}}}}}`)[0]
	if !some || !reflect.DeepEqual(changed, any(want.Object)) {
		t.Errorf("%t, %v: want %v", some, changed, want.Object)
	}
	if _, some := readdressed(want.Object, map[string]string{"old": "new"}); some {
		t.Error("an object without the old address is said to have changed")
	}
}
