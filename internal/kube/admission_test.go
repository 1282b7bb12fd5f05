package kube

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// unreached is what an API server says that cannot reach a webhook.
var unreached = apierrors.NewInternalError(errors.New(`failed calling webhook "validate.toys": failed to call webhook: ` +
	`Post "https://toys.box.svc:443/validate": dial tcp 10.96.180.47:443: connect: connection refused`))

// guarded is a cluster whose API server answers each attempt to apply an object as answers says, the last for all later ones.
func guarded(answers map[string][]error) *Client {
	cluster := fake.NewSimpleDynamicClientWithCustomListKinds(
		runtime.NewScheme(), map[schema.GroupVersionResource]string{toys: "ToyList"})
	var mu sync.Mutex
	cluster.PrependReactor("patch", "toys", func(action clienttesting.Action) (bool, runtime.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		name := action.(clienttesting.PatchAction).GetName()
		answer := answers[name][0]
		if len(answers[name]) > 1 {
			answers[name] = answers[name][1:]
		}
		return true, &unstructured.Unstructured{}, answer
	})
	return &Client{dynamic: cluster}
}

func TestUnadmittedIsWhatNoWebhookAnsweredFor(t *testing.T) {
	full := apierrors.NewInternalError(errors.New("etcdserver: no space"))
	for _, test := range []struct {
		name string
		car  error
		want []string
	}{
		{"only that is wrong", nil, []string{"doll"}},
		{"something else is wrong too", full, nil},
	} {
		cluster := guarded(map[string][]error{"car": {test.car}, "doll": {unreached}})
		var names []string
		for _, object := range Unadmitted(cluster.Apply(t.Context(), Backstack, toy("car", "red"), toy("doll", "blue"))) {
			names = append(names, object.GetName())
		}
		if strings.Join(names, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s: unadmitted are %q, want %q", test.name, names, test.want)
		}
	}
	if objects := Unadmitted(nil); len(objects) > 0 {
		t.Errorf("%v of nothing are unadmitted", objects)
	}
}

func TestWhatIsNotAdmittedIsAppliedAgain(t *testing.T) {
	cluster := guarded(map[string][]error{"car": {nil, errors.New("it was applied already")}, "doll": {unreached, unreached, nil}})
	var waited []string
	err := cluster.ApplyAdmitted(t.Context(), Backstack, func(what string) { waited = append(waited, what) },
		toy("car", "red"), toy("doll", "blue"))
	if err != nil {
		t.Error(err)
	}
	if want := "the webhook that is to admit Toy box/doll"; strings.Join(waited, "\n") != want {
		t.Errorf("told to wait for %q, want once for %q", waited, want)
	}
}

func TestOtherFaultsEndTheWaitForAWebhook(t *testing.T) {
	cluster := guarded(map[string][]error{"doll": {unreached, errors.New("it is broken")}})
	err := cluster.ApplyAdmitted(t.Context(), Backstack, nil, toy("doll", "blue"))
	if err == nil || !strings.Contains(err.Error(), "applying Toy box/doll: it is broken") {
		t.Errorf("error %v, want what became of the doll", err)
	}
}

func TestTheWaitForAWebhookEndsWithWhatItSaid(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	cluster := guarded(map[string][]error{"doll": {unreached, context.DeadlineExceeded}})
	err := cluster.ApplyAdmitted(ctx, Backstack, func(string) { cancel(enough) }, toy("doll", "blue"))
	if !errors.Is(err, ErrUnadmitted) || !errors.Is(err, enough) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v, want why the wait ended, and why the webhook did not answer", err)
	}
}
