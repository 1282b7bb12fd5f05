package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/supervisor"
)

// testPrograms makes the processes of a hub without an engine: only their description is looked at.
func testPrograms(t *testing.T) programs {
	t.Helper()
	layout := Layout{Root: filepath.Join(t.TempDir(), "hub")}
	if err := layout.make(); err != nil {
		t.Fatal(err)
	}
	ports, err := choosePorts(layout.Ports(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return programs{Layout: layout, engine: &engine.Engine{Dir: "/engine"}, ports: ports}
}

// What Gitea prints, before it fails too, is an administrator's password.
func TestAnErrorOfGiteasHasNothingOfItsOutput(t *testing.T) {
	p := testPrograms(t)
	p.engine = &engine.Engine{Dir: t.TempDir()}
	program := p.gitea()[0].Path
	if err := os.MkdirAll(filepath.Dir(program), 0o700); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"generated random password is 'hunter2'\"\necho 'Command error: no room' >&2\nexit 1\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := p.giteaAdmin(t.Context(), "create")
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v, want what Gitea said on its standard error and nothing else", err)
	}
}

func TestAWebhookToAFormerPortIsTold(t *testing.T) {
	p := testPrograms(t)
	c := &Cluster{Layout: p.Layout, programs: &p}
	other := Layout{Root: filepath.Join(filepath.Dir(p.Root), "other")}
	if err := other.make(); err != nil {
		t.Fatal(err)
	}
	others, err := choosePorts(other.Ports(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]bool{
		"https://127.0.0.1:1/api/webhook":                 true,
		loopbackURL(p.ports[PortArgoCD]) + "/api/webhook": false, // it is still there
		loopbackURL(others[PortArgoCD]) + "/api/webhook":  false, // somebody has another hub told
		"https://127.0.0.1:1/hook":                        false,
		"https://example.com/api/webhook":                 false,
	} {
		if got := c.formerWebhook(url); got != want {
			t.Errorf("%s: %v, want %v", url, got, want)
		}
	}
}

func TestASupervisorThatHangs(t *testing.T) {
	layout := Layout{Root: filepath.Join(t.TempDir(), "hub")}
	if err := layout.make(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(layout.Supervisor(), 0o700); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", filepath.Join(layout.Supervisor(), "supervisor.sock")) // that nobody accepts from
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	status, err := New(Options{Dir: layout.Root}).Status(ctx)
	if err != nil || status.Running || !strings.Contains(status.Reason, "asking the supervisor") {
		t.Errorf("got %+v, %v, want why it does not run", status, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if status, err := New(Options{Dir: layout.Root}).Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("broken off: got %+v, %v, want %v", status, err, context.Canceled)
	}
}

func TestEveryProcessBelongsToAComponent(t *testing.T) {
	p := testPrograms(t)
	for component, want := range components() {
		var got []string
		for _, process := range p.of(component) {
			got = append(got, process.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("component %s has processes %v, want %v", component, got, want)
		}
		for _, name := range want {
			if of := ComponentOf(name); of != component {
				t.Errorf("process %s belongs to %q, want %s", name, of, component)
			}
		}
	}
}

func TestEveryProcessIsAProgramOfTheEngineAndSettles(t *testing.T) {
	p := testPrograms(t)
	built, err := engine.Programs()
	if err != nil {
		t.Fatal(err)
	}
	for component := range components() {
		for _, process := range p.of(component) {
			command := append([]string{process.Path}, process.Args...)
			if !slices.ContainsFunc(built, func(program engine.Program) bool {
				return slices.Contains(command, p.engine.Program(program.Name))
			}) {
				t.Errorf("%s runs %q, which is none of the engine's programs %v", process.Name, command, built)
			}
			if want := "SETTLE_EVERY=" + settleEvery; !slices.Contains(process.Env, want) {
				t.Errorf("%s is not told %s: %q", process.Name, want, process.Env)
			}
		}
	}
}

func TestProcessesThatShareAProgramAreTold(t *testing.T) {
	p := testPrograms(t)
	for name, want := range map[string]string{
		"etcd":                          "etcd",
		"kube-apiserver":                "kube-apiserver",
		"argocd-repo-server":            "argocd-repo-server",
		"kyverno":                       "admission-controller",
		"kyverno-background-controller": "background-controller",
		"kyverno-cleanup-controller":    "cleanup-controller",
		"kyverno-reports-controller":    "reports-controller",
		"function-auto-ready":           "function-auto-ready",
	} {
		process := processOf(t, p, name)
		args := process.Args
		if filepath.Base(process.Path) == "chrt" {
			args = args[3:] // --idle, its priority, and the program
		}
		if len(args) == 0 || args[0] != want {
			t.Errorf("%s is told %q: want %s first", name, args, want)
		}
	}
}

// What it cannot ask for at once it asks for three minutes later, and the hub is not healthy until then.
func TestApplicationSetsWaitForTheRepoServer(t *testing.T) {
	after := processOf(t, testPrograms(t), "argocd-applicationset-controller").After
	if !slices.Contains(after, "argocd-repo-server") {
		t.Errorf("it starts after %v: want argocd-repo-server among them", after)
	}
}

// processOf returns the process of that name.
func processOf(t *testing.T, p programs, name string) supervisor.Process {
	t.Helper()
	for _, process := range p.of(ComponentOf(name)) {
		if process.Name == name {
			return process
		}
	}
	t.Fatalf("there is no process %s", name)
	return supervisor.Process{}
}

func TestNoProcessListensBeyondLoopback(t *testing.T) {
	p := testPrograms(t)
	for component := range components() {
		for _, process := range p.of(component) {
			text := strings.Join(append(process.Args, process.Env...), "\n")
			for _, forbidden := range []string{"0.0.0.0", "[::]", "=:"} {
				if strings.Contains(text, forbidden) {
					t.Errorf("%s is told %q:\n%s", process.Name, forbidden, text)
				}
			}
		}
	}
}

func TestCheckNamesATakenPort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	c := New(Options{Name: "x", Dir: filepath.Join(t.TempDir(), "x"), Ports: Ports{PortGitea: port},
		Engine: engine.Options{CacheDir: t.TempDir()}})
	err = c.Check(t.Context())
	want := fmt.Sprintf("port %d, asked for in spec.embedded.ports.gitea:", port)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want one with %q", err, want)
	}
}

func TestCheckNamesAPathThatIsTooLong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", longestSocket))
	if err := New(Options{Dir: dir}).checkPath(); err == nil || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Errorf("error %v, want one that names XDG_STATE_HOME", err)
	}
	if err := New(Options{Dir: "/home/someone/.local/state/backstack/hubs/" + strings.Repeat("n", 40)}).checkPath(); err != nil {
		t.Errorf("the longest name in an ordinary place: %v", err)
	}
}

func TestCheckFolderNamesAFileInTheWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkFolder(filepath.Join(file, "hub")); err == nil || !strings.Contains(err.Error(), "XDG_STATE_HOME") {
		t.Errorf("error %v, want one that names XDG_STATE_HOME", err)
	}
	if err := checkFolder(filepath.Join(t.TempDir(), "a", "b")); err != nil {
		t.Errorf("a folder that can be made: %v", err)
	}
}

// The names are those that Crossplane 2.4 gave the files of its cache.
func TestCacheKeyIsCrossplanes(t *testing.T) {
	cases := map[string]string{
		"xpkg.crossplane.io/crossplane-contrib/function-auto-ready":          "xpkg-crossplane-io-crossplane-contrib-function-aut-sha256-ba3f6",
		"xpkg.crossplane.io/crossplane-contrib/function-patch-and-transform": "xpkg-crossplane-io-crossplane-contrib-function-pat-sha256-ba3f6",
		"short": "short-sha256-ba3f6",
	}
	for source, want := range cases {
		if got := cacheKey(source, "sha256:ba3f642939b3d11b"); got != want {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

func TestEstablishedDefinitionIsAsTheAPIServerLeavesIt(t *testing.T) {
	definition := &unstructured.Unstructured{Object: map[string]any{
		"kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "toys.example.com"},
		"spec": map[string]any{
			"names": map[string]any{"kind": "Toy", "plural": "toys"},
			"versions": []any{
				map[string]any{"name": "v1", "storage": false}, map[string]any{"name": "v2", "storage": true},
			},
		},
	}}
	if err := established(definition); err != nil {
		t.Fatal(err)
	}
	stored, _, _ := unstructured.NestedStringSlice(definition.Object, "status", "storedVersions")
	if !slices.Equal(stored, []string{"v2"}) {
		t.Errorf("stored versions %v, want v2", stored)
	}
	for _, condition := range []string{"NamesAccepted", "Established"} {
		if got := kube.Condition(definition, condition); got != "True" {
			t.Errorf("condition %s is %q, want True", condition, got)
		}
	}
	if definition.GetUID() == "" || definition.GetGeneration() != 1 {
		t.Errorf("uid %q, generation %d", definition.GetUID(), definition.GetGeneration())
	}
}

// Root may list every folder, so this proves something only for an ordinary user.
func TestRemoveAllRemovesFoldersThatCannotBeListed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub")
	if err := os.MkdirAll(filepath.Join(dir, "tmp", "secret", "deep"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "tmp", "secret"), 0o300); err != nil {
		t.Fatal(err)
	}
	if err := removeAll(dir); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestDeletingWhatIsNotThereIsNoError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if err := New(Options{Name: "none", Dir: dir}).Delete(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}
