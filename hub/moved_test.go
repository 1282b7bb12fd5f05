package hub

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/cluster"
)

func TestAddressesThatRepositoriesHadAreRemembered(t *testing.T) {
	dir := t.TempDir()
	git := func(host string) *cluster.Git {
		return &cluster.Git{Hub: host + "/hub.git", Requests: host + "/requests.git"}
	}
	to := func(now string, former ...string) map[string]string {
		moved := map[string]string{}
		for _, host := range former {
			moved[host+"/hub.git"], moved[host+"/requests.git"] = now+"/hub.git", now+"/requests.git"
		}
		return moved
	}
	for n, step := range []struct {
		now  string
		want map[string]string
	}{
		{"a", to("a")}, {"a", to("a")}, {"b", to("b", "a")}, {"b", to("b", "a")}, {"c", to("c", "a", "b")}, {"a", to("a", "b", "c")},
	} {
		moved, err := rememberAddresses(dir, git(step.now))
		if err != nil || !maps.Equal(moved, step.want) {
			t.Errorf("%d: at %s: moved are %v, %v, want %v", n, step.now, moved, err, step.want)
		}
	}
	moved, err := rememberAddresses(dir, &cluster.Git{Hub: "b/requests.git", Requests: "b/hub.git"})
	if _, hub := moved["b/hub.git"]; err != nil || hub || moved["a/hub.git"] != "b/requests.git" {
		t.Errorf("after a swap moved are %v, %v: want what neither has now", moved, err)
	}
	if err := os.WriteFile(filepath.Join(dir, addressesFile), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rememberAddresses(dir, git("a")); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a file that is none is refused with %v, want its path", err)
	}
}

func TestAnOperationThatRunsIsToldNewAddresses(t *testing.T) {
	moved := map[string]string{"old": "new"}
	for phase, want := range map[string]string{
		"Running":   `{operation: {sync: {source: {repoURL: new}}}, status: {operationState: {phase: Running, at: new}}}`,
		"Succeeded": `{operation: {sync: {source: {repoURL: new}}}}`,
	} {
		app := objectsOf(t, `{kind: Application, spec: {source: {repoURL: new}}, operation: {sync: {source: {repoURL: old}}},
  status: {history: [old], operationState: {phase: `+phase+`, at: old}}}`)[0]
		before := app.DeepCopy()
		wanted := objectsOf(t, want)[0].Object
		wanted["metadata"] = map[string]any{"annotations": map[string]any{"argocd.argoproj.io/refresh": "normal"}}
		if got := newAddresses(app, moved); !reflect.DeepEqual(got, wanted) {
			t.Errorf("%s: the change is %v, want %v", phase, got, wanted)
		}
		if !reflect.DeepEqual(app, before) {
			t.Error("what a watch has was changed")
		}
	}
	if got := newAddresses(objectsOf(t, `{kind: AppProject, spec: {sourceRepos: [new]}}`)[0], moved); len(got) > 0 {
		t.Errorf("a project with new addresses is changed: %v", got)
	}
}

// What Argo CD is about to do may put an old address back, or still tell of one.
func TestAMoveIsWaitedForUntilArgoCDIsIdle(t *testing.T) {
	const healthy = "spec: {source: {repoURL: new}}, status: {sync: {status: Synced, revision: one}, health: {status: Healthy}"
	for text, want := range map[string]bool{
		`{kind: Application, metadata: {name: a}, ` + healthy + `}}`:                                                                                           true,
		`{kind: Application, metadata: {name: a, annotations: {argocd.argoproj.io/refresh: normal}}, ` + healthy + `}}`:                                        false,
		`{kind: Application, metadata: {name: a}, operation: {sync: {revision: one}}, ` + healthy + `}}`:                                                       false,
		`{kind: Application, metadata: {name: a}, ` + healthy + `, operationState: {phase: Running}}}`:                                                         false,
		`{kind: Application, metadata: {name: a}, spec: {source: {repoURL: old}}, status: {sync: {status: Synced, revision: one}, health: {status: Healthy}}}`: false,
	} {
		i := &install{repository: &cluster.Git{Hub: "new"}, revision: "one", moved: map[string]string{"old": "new"}}
		waiting := i.unhealthy([]ApplicationStatus{ApplicationStatusOf(objectsOf(t, text)[0])}, nil)
		if done := len(waiting) == 0; done != want {
			t.Errorf("%s: waiting for %v, want it done: %v", text, waiting, want)
		}
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

func TestAddressesInFilesThatAreNotRenderedAreReplaced(t *testing.T) {
	i := &install{moved: map[string]string{"https://old/hub.git": "https://new/hub.git"}}
	const text = "spec:\n  source:\n    repoURL: %s\n  sources:\n  - repoURL: \"%s\" # here\n    path: a\n  - repoURL: %s/other\n"
	file := func(url string) string { return fmt.Sprintf(text, url, url, "https://old/hub.git") }
	edit := i.readdressFiles()
	if got := string(edit("beads/a/spokes.yaml", []byte(file("https://old/hub.git")))); got != file("https://new/hub.git") {
		t.Errorf("the file is\n%s\nwant\n%s", got, file("https://new/hub.git"))
	}
	if got := string(edit("README.md", []byte(file("https://old/hub.git")))); got != file("https://old/hub.git") {
		t.Errorf("a file for people is changed:\n%s", got)
	}
	if (&install{}).readdressFiles() != nil {
		t.Error("files are read though no address was another before")
	}
}
