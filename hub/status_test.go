package hub

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/supervisor"
)

func TestAComponentIsAsHealthyAsItsPrograms(t *testing.T) {
	dir := t.TempDir()
	log := supervisor.LogPath(dir, "kyverno")
	if err := os.MkdirAll(filepath.Dir(log), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(log, []byte("one\ntwo\nthree\nfour\nfive\nno such certificate\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	components := describeComponents([]cluster.Program{
		{Component: "kubernetes", Name: "etcd", Healthy: true},
		{Component: "kyverno", Name: "kyverno", Reason: "ended with exit status 1 (3 restarts)", Log: log},
		{Component: "kyverno", Name: "kyverno-cleanup-controller", Healthy: true},
	}, spec.Resolve(spec.Default("hub")), dir)
	found := map[string]ComponentStatus{}
	for _, component := range components {
		found[component.Name] = component
	}
	if !found["kubernetes"].Healthy {
		t.Errorf("kubernetes is %+v, want it healthy", found["kubernetes"])
	}
	if argoCD := found["argocd"]; argoCD.Healthy || argoCD.Reason != "it does not run" {
		t.Errorf("argocd, which has no program, is %+v", argoCD)
	}
	kyverno := found["kyverno"]
	if want := "kyverno: ended with exit status 1 (3 restarts)"; kyverno.Healthy || kyverno.Reason != want {
		t.Errorf("kyverno is %+v, want it not healthy: %s", kyverno, want)
	}
	if want := []string{"two", "three", "four", "five", "no such certificate"}; !slices.Equal(kyverno.Programs[0].Tail, want) {
		t.Errorf("the log's last lines are %q, want %q", kyverno.Programs[0].Tail, want)
	}
	if tail := kyverno.Programs[1].Tail; len(tail) > 0 {
		t.Errorf("of a healthy program, the log is shown: %q", tail)
	}
}

// As that of a newer backstack.
func TestAHubWhoseDescriptionCannotBeReadIsWhatThereIsOfIt(t *testing.T) {
	h := Home{State: t.TempDir()}
	for name, c := range map[string]struct {
		there string
		want  spec.Provider
	}{
		"processes": {"supervisor/processes.json", spec.ProviderEmbedded},
		"node":      {"kind.json", spec.ProviderKind},
		"neither":   {"hub.yaml", ""},
	} {
		for _, file := range []string{c.there, specFile} {
			path := filepath.Join(h.Dir(name), file)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("spec: {isNotYet: known}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := h.describedOrFound(name)
		switch {
		case c.want == "" && (err == nil || !strings.Contains(err.Error(), "isNotYet") || !strings.Contains(err.Error(), "-f FILE")):
			t.Errorf("%s: error %v, want what is wrong and what would be right", name, err)
		case c.want != "" && (err != nil || got.Spec.Provider != c.want || got.Metadata.Name != name):
			t.Errorf("%s: %+v, %v, want %s with provider %s", name, got, err, name, c.want)
		}
	}
}

func TestAnAPIServerThatIsNotReadyIsNotAsked(t *testing.T) {
	programs := []cluster.Program{
		{Name: "etcd", Reason: "not ready"}, {Name: "kube-apiserver", Reason: "waits for etcd"},
	}
	if got, want := apiServerFault(programs), "the API server does not answer: kube-apiserver: waits for etcd"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
	programs[1].Healthy = true
	if got := apiServerFault(programs); got != "" {
		t.Errorf("of one that is ready it says %q", got)
	}
}

func TestTheVersionOfAComponentIsThatOfItsOwnImage(t *testing.T) {
	for want, images := range map[string][]string{
		"3.5.7":        {"quay.io/argoproj/argocd:v3.5.7", "registry.example.com:5000/mirror/docker/library/redis:8.2.3-alpine"},
		"3.5.7, 3.5.8": {"quay.io/argoproj/argocd:v3.5.7", "quay.io/argoproj/argocd:v3.5.8", "other.io/argocd:v3.5.8@sha256:1f"},
		"":             {"registry.example.com:5000/argocd", "quay.io/argoproj/argocd@sha256:1f", "quay.io/argoproj/argocd-extra:v1"},
	} {
		found := map[string]bool{}
		for _, image := range images {
			found[image] = true
		}
		if got := runningVersion("argocd", found); got != want {
			t.Errorf("with the images %q it is %q, want %q", images, got, want)
		}
	}
}

func TestAnApplicationSaysWhatInItIsStuck(t *testing.T) {
	app := objectsOf(t, `
metadata: {name: shop}
status:
  sync: {status: OutOfSync}
  health: {status: Degraded}
  conditions: [{message: "the repository\n  cannot be read"}]
  operationState: {phase: Failed, message: one object was refused}
  resources:
  - {kind: Service, namespace: shop, name: web, health: {status: Healthy}, status: Synced}
  - {kind: Deployment, namespace: shop, name: web, health: {status: Degraded, message: too few replicas}, status: Synced}
  - {kind: ConfigMap, namespace: shop, name: colours, status: OutOfSync}
`)[0]
	status := ApplicationStatusOf(app)
	for _, want := range []string{
		"the repository cannot be read", "one object was refused", "Deployment web is Degraded: too few replicas",
		"ConfigMap colours is OutOfSync",
	} {
		if !strings.Contains(status.Reason, want) {
			t.Errorf("the reason is %q, want %q in it", status.Reason, want)
		}
	}
	if strings.Contains(status.Reason, "Service") {
		t.Errorf("the reason is %q, and names what is healthy", status.Reason)
	}
	stuck := stuckResources(app)
	if len(stuck) != 1 || stuck[0].Kind != "Deployment" || stuck[0].Namespace != "shop" || stuck[0].Name != "web" {
		t.Errorf("stuck are %v, want the Deployment", stuck)
	}
}
