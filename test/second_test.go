package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

var projects = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "appprojects"}

// testSecondHub makes a second hub, which everything happens to that can happen to an install, and removes it again. The
// first one is not to notice.
func testSecondHub(t *testing.T, first *hubtest.Hub) {
	before := observe(t, first)
	second := first.Hub("second")
	t.Run("killed at every step", func(t *testing.T) { testKilledInstall(t, second) })
	t.Run("described by a newer backstack", func(t *testing.T) { testUnknownDescription(t, second) })
	t.Run("uninstall after that", func(t *testing.T) { testUninstall(t, second) })
	t.Run("SIGINT at every step", func(t *testing.T) { testSIGINT(t, second) })
	t.Run("a restart before it is handed over", func(t *testing.T) {
		// Kyverno, which is to admit the policies, is not running, but the API server knows its webhooks.
		second.Disown(t)
		second.Must(t, "engine", "stop")
		second.Must(t, "install")
		second.AwaitHealthy(t)
	})
	t.Run("two installs at once", func(t *testing.T) { testTwoInstalls(t, second) })
	t.Run("which hub is meant", func(t *testing.T) { testWhichHub(t, first, second) })
	t.Run("different ports", func(t *testing.T) {
		mine, others := ports(t, first), ports(t, second)
		for name, port := range others {
			if slices.Contains(slices.Collect(maps.Values(mine)), port) {
				t.Errorf("%s of the second hub listens on port %d, which is the first one's", name, port)
			}
		}
	})
	t.Run("other ports are asked for", func(t *testing.T) { testOtherPorts(t, second) })
	t.Run("an install that takes too long", func(t *testing.T) {
		result := second.Run(t, "install", "--timeout", "1ms").Want(t, 3)
		if want := "not done after 1ms"; !strings.Contains(result.Stderr, want) {
			t.Errorf("it says %q, want %q in it", result.Stderr, want)
		}
	})
	t.Run("hub.yaml comes to speak of another hub", func(t *testing.T) { testOtherName(t, first, second) })
	t.Run("uninstall", func(t *testing.T) {
		// What an uninstall may leave that was killed.
		for _, path := range []string{"data/gitea", "hub.yaml"} {
			if err := os.RemoveAll(filepath.Join(second.Dir(), path)); err != nil {
				t.Fatal(err)
			}
		}
		testUninstall(t, second)
	})
	before.check(t, first)
	first.AwaitHealthy(t)
}

// testUnknownDescription leaves a hub with a description that cannot be read. It can be looked into, made whole again by its
// repository, and, as what comes after this shows, removed.
func testUnknownDescription(t *testing.T, hub *hubtest.Hub) {
	description := filepath.Join(hub.Dir(), "hub.yaml")
	spoil := func() {
		if err := os.WriteFile(description, []byte("spec:\n  isNotYet: known\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := observe(t, hub)
	spoil()
	result := hub.Run(t, "status").Want(t, 1)
	for _, want := range []string{description, "isNotYet", "backstack install --hub " + hub.Name} {
		if !strings.Contains(result.Stderr, want) {
			t.Errorf("status says %q, want %q in it", result.Stderr, want)
		}
	}
	if log := hub.Must(t, "engine", "logs", "gitea"); log == "" {
		t.Error("there is no log of Gitea")
	}
	hub.Must(t, "install")
	before.check(t, hub)
	spoil()
}

// ports returns a hub's ports from its own list of them.
func ports(t *testing.T, hub *hubtest.Hub) map[string]uint16 {
	t.Helper()
	names := map[int]string{}
	for name, pid := range hub.Status(t).PIDs() {
		names[pid] = name
	}
	found := map[string]uint16{}
	for _, listener := range hubtest.Listeners(t, hub.Processes()) {
		found[names[listener.PID]+" "+listener.Address.String()] = listener.Address.Port()
	}
	return found
}

// moment is when an install is interrupted: at the first event of a step with one of the states.
type moment struct {
	step   string
	states []string
}

func at(step string, states ...string) moment { return moment{step, states} }

func (m moment) String() string { return m.step + " " + strings.Join(m.states, " or ") }

// atOnce is how long an interrupted install may take to end on a machine that is busy: less than that of which it gives up
// waiting for a supervisor.
const atOnce = 10 * time.Second

// testSIGINT interrupts installs of one hub, each further on its way.
func testSIGINT(t *testing.T, hub *hubtest.Hub) {
	for _, moment := range []moment{
		at("engine", "started"),
		at("cluster", "waiting"),
		at("repositories", "waiting"),
		at("repositories", "done", "unchanged"),
		at("configuration", "started"),
		at("kubernetes", "started"),
		at("argocd", "started"),
		at("crossplane", "started"),
		at("kyverno", "started"),
		at("root application", "started"),
		at("applications", "started"),
	} {
		t.Run(moment.String(), func(t *testing.T) {
			install := hub.Start(t, "install")
			if !install.Await(moment.step, moment.states...) {
				t.Fatalf("install ended without that: %+v", install.Wait())
			}
			install.Signal(t, syscall.SIGINT)
			interrupted := time.Now()
			result := install.Wait().Want(t, 1)
			if took := time.Since(interrupted); took > atOnce {
				t.Errorf("it ended %s after the signal, want at once", took)
			}
			if !strings.Contains(result.Stderr, "interrupted: run the same command again to go on") {
				t.Errorf("an interrupted install says %q", result.Stderr)
			}
			// The command has ended: it must have seen to this itself.
			for _, process := range hub.Processes() {
				t.Errorf("process %d was left: %s", process.PID, process.CommandLine)
			}
		})
	}
	checkInstall(t, hub)
}

// testKilledInstall kills installs of one hub, each a little further on its way, and then lets one come to its end.
func testKilledInstall(t *testing.T, hub *hubtest.Hub) {
	for _, moment := range []moment{
		at("engine", "started"),
		at("cluster", "started"),
		at("repositories", "waiting"),
		at("cluster", "waiting"),
		at("repositories", "started"),
		at("repositories", "done", "unchanged"),
		at("cluster", "done", "unchanged"),
		at("configuration", "started"),
		at("configuration", "done", "unchanged"),
		at("kubernetes", "started"),
		at("root application", "started"),
		at("argocd", "started"),
		at("crossplane", "started"),
		at("kyverno", "started"),
		at("kubernetes", "done", "unchanged"),
		at("crossplane", "done", "unchanged"),
		at("root application", "done", "unchanged"),
		at("argocd", "done", "unchanged"),
		at("kyverno", "done", "unchanged"),
		at("applications", "started"),
		at("applications", "waiting"),
	} {
		t.Run(moment.String(), func(t *testing.T) {
			install := hub.Start(t, "install")
			if !install.Await(moment.step, moment.states...) {
				install.Wait().Want(t, 0)
				if !slices.Contains(moment.states, "waiting") { // for which an earlier install has left nothing
					t.Error("there was no such moment")
				}
				return
			}
			install.Signal(t, syscall.SIGKILL)
			install.Wait().Want(t, -1)
		})
	}
	checkInstall(t, hub)
}

// checkInstall lets an install come to its end, and checks that the hub is like one that was never interrupted.
func checkInstall(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	hub.Must(t, "install")
	hub.AwaitHealthy(t)
	checkCommits(t, hub)
	if names := slices.Sorted(maps.Keys(hub.Status(t).Programs())); len(names) != 17 {
		t.Errorf("the hub runs %v, want 17 programs", names)
	}
	checkOneOfEach(t, hub)
	before := observe(t, hub)
	hub.Must(t, "install")
	before.check(t, hub)
}

// checkOneOfEach checks that no install has left a supervisor beside the hub's, which has one standby.
func checkOneOfEach(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	if others := hub.Standbys(t); len(others) != 1 {
		t.Errorf("beside the supervisor there are %v, want one standby", others)
	}
}

// testTwoInstalls holds an install where it has the lock, and checks what another one says and that it takes over when
// the first is dead.
func testTwoInstalls(t *testing.T, hub *hubtest.Hub) {
	holder := hub.Start(t, "install")
	if !holder.Await("engine", "started") {
		t.Fatalf("install never started: %+v", holder.Wait())
	}
	holder.Signal(t, syscall.SIGSTOP)
	for _, command := range [][]string{{"install"}, {"uninstall"}, {"engine", "stop"}} {
		result := hub.Run(t, command...).Want(t, 1)
		by := "process " + strconv.Itoa(holder.PID)
		for _, want := range []string{"hub " + hub.Name + " is locked", "`backstack install`", by} {
			if !strings.Contains(result.Stderr, want) {
				t.Errorf("%v says %q, want %q in it", command, result.Stderr, want)
			}
		}
	}
	holder.Signal(t, syscall.SIGKILL)
	holder.Wait()
	hub.Must(t, "install")
}

// testOtherPorts has Gitea and Argo CD listen on other ports, and checks that both still find each other. A port that is taken
// is refused.
func testOtherPorts(t *testing.T, hub *hubtest.Hub) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	result := hub.Run(t, "install", "--set", "embedded.ports.gitea="+port).Want(t, 2)
	if want := "port " + port + ", asked for in spec.embedded.ports.gitea"; !strings.Contains(result.Stderr, want) {
		t.Errorf("a port that is taken is refused with %q, want %q", result.Stderr, want)
	}
	gitea, argoCD := freePort(t), freePort(t)
	old := hub.Outputs(t).Repositories.Hub
	hub.Must(t, "bead", "add", beadDir("agent")) // which has the address in Git
	install := hub.Start(t, "install", "--set", "embedded.ports.gitea="+gitea, "--set", "embedded.ports.argocd="+argoCD)
	if !install.Await("root application", "done") {
		t.Fatalf("install told nothing: %+v", install.Wait())
	}
	comeFrom(t, hub, old) // as an operation leaves it that Argo CD had begun before
	install.Wait().Want(t, 0)
	hub.AwaitHealthy(t)
	outputs := hub.Outputs(t)
	comeFrom(t, hub, old) // as an install leaves it that is killed before Argo CD is told everything
	hub.Must(t, "install")
	if !strings.Contains(outputs.Repositories.Hub, ":"+gitea+"/") || !strings.HasSuffix(outputs.ArgoCD.URL, ":"+argoCD) {
		t.Errorf("the outputs are %+v, want the ports %s and %s", outputs, gitea, argoCD)
	}
	for _, repository := range []string{"hub", "requests"} {
		if hooks := webhooks(t, hub, repository); len(hooks) != 1 || !strings.Contains(hooks[0], ":"+argoCD+"/") {
			t.Errorf("Gitea tells %v of commits to %s.git, want Argo CD alone", hooks, repository)
		}
	}
	hubtest.Until(t, hub.Client(t), hubtest.Applications, "argocd", "argocd",
		hubtest.HasValue(outputs.Repositories.Hub, "spec", "source", "repoURL"))
	repository := hub.Clone(t, "hub")
	if spokes := repository.Read(t, "beads/agent/spokes.yaml"); !strings.Contains(spokes, outputs.Repositories.Hub) ||
		strings.Contains(spokes, old) {
		t.Errorf("a Bead for spokes has %s, want the address %s", spokes, outputs.Repositories.Hub)
	}
	repository.Push(t, "Look for lost commits more often", map[string]string{
		argoValues: repository.Replace(t, argoValues, "timeout.reconciliation: 180s", "timeout.reconciliation: 160s"),
	})
	hubtest.Until(t, hub.Client(t), configMaps, "argocd", "argocd-cm", hubtest.HasValue("160s", "data", "timeout.reconciliation"))
	hub.AwaitHealthy(t)
}

// webhooks returns whom Gitea tells of commits to a repository of the hub's.
func webhooks(t *testing.T, hub *hubtest.Hub, repository string) []string {
	t.Helper()
	outputs := hub.Outputs(t)
	server := strings.TrimSuffix(outputs.Repositories.Hub, "/backstack/hub.git")
	request, err := http.NewRequestWithContext(
		hubtest.Patient(t), http.MethodGet, server+"/api/v1/repos/backstack/"+repository+"/hooks", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(outputs.Repositories.Username, strings.TrimSpace(hubtest.ReadFile(t, outputs.Repositories.Credential)))
	response, err := trusting(t, outputs).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var hooks []struct {
		Config map[string]string `json:"config"`
	}
	if err := json.NewDecoder(response.Body).Decode(&hooks); err != nil {
		t.Fatalf("listing the webhooks of %s: %s, %v", repository, response.Status, err)
	}
	var urls []string
	for _, hook := range hooks {
		urls = append(urls, hook.Config["url"])
	}
	return urls
}

// comeFrom has Argo CD's project of the hub allow hub.git at one address alone.
func comeFrom(t *testing.T, hub *hubtest.Hub, address string) {
	t.Helper()
	patch := fmt.Sprintf(`{"spec":{"sourceRepos":[%q]}}`, address)
	_, err := hub.Client(t).Dynamic().Resource(projects).Namespace("argocd").Patch(
		t.Context(), "hub", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// testOtherName commits a hub.yaml with the name of another hub, and one that is none. Neither is taken for the hub's own.
func testOtherName(t *testing.T, first, second *hubtest.Hub) {
	repository := second.Clone(t, "hub")
	for _, wrong := range []struct{ content, want string }{
		{repository.Replace(t, "hub.yaml", "name: "+second.Name, "name: "+first.Name),
			"metadata.name is " + first.Name + ": a hub keeps its name: want " + second.Name},
		{"kind: Hut\n", "Hut"},
	} {
		repository.Push(t, "Describe something else", map[string]string{"hub.yaml": wrong.content})
		result := second.Run(t, "install").Want(t, 2)
		if !strings.Contains(result.Stderr, wrong.want) {
			t.Errorf("install says %q, want %q in it", result.Stderr, wrong.want)
		}
		if url := second.Outputs(t).Repositories.Hub; url == first.Outputs(t).Repositories.Hub {
			t.Errorf("the outputs name the first hub's %s", url)
		}
		if healthy := second.AwaitHealthy(t); len(healthy.Programs()) != 17 {
			t.Errorf("status is about %v, want 17 programs", healthy.Programs())
		}
	}
	// It is uninstalled with that.
}

// testWhichHub checks that a command is not about one of two hubs by chance.
func testWhichHub(t *testing.T, first, second *hubtest.Hub) {
	for _, command := range [][]string{{"status"}, {"outputs"}, {"uninstall"}, {"engine", "stop"}, {"install"}} {
		result := first.Machine.Run(t, command...).Want(t, 2)
		if want := "there are several hubs: say which with --hub: first, second"; !strings.Contains(result.Stderr, want) {
			t.Errorf("%v says %q, want %q", command, result.Stderr, want)
		}
	}
	result := first.Machine.Run(t, "status", "--hub=frist").Want(t, 2)
	if !strings.Contains(result.Stderr, "did you mean first?") {
		t.Errorf("a misspelt --hub is refused with %q", result.Stderr)
	}
	elsewhere := filepath.Join(t.TempDir(), "hub.yaml")
	text := "apiVersion: backstack.dev/v1alpha1\nkind: Hub\nmetadata: {name: second}\nspec: {provider: kind}\n"
	if err := os.WriteFile(elsewhere, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	result = second.Run(t, "install", "-f", elsewhere).Want(t, 2)
	if want := "hub second is installed with provider embedded, which a hub keeps"; !strings.Contains(result.Stderr, want) {
		t.Errorf("another provider is refused with %q, want %q", result.Stderr, want)
	}
	for _, hub := range []*hubtest.Hub{first, second} {
		if status := hub.Status(t); status.Hub != hub.Name {
			t.Errorf("status --hub=%s is about %s", hub.Name, status.Hub)
		}
	}
}

// testUninstall checks that nothing of a hub is left: no process, no port, no file.
func testUninstall(t *testing.T, hub *hubtest.Hub) {
	taken := hubtest.Listeners(t, hub.Processes())
	if len(taken) < 10 {
		t.Errorf("the hub had the listeners %v, want more", taken)
	}
	temporary := temporaryFiles(t)
	hub.Must(t, "uninstall")
	for _, process := range hub.Processes() {
		t.Errorf("process %d was left: %s", process.PID, process.CommandLine)
	}
	for _, listener := range taken {
		if err := hubtest.PortFree(listener.Address.Port()); err != nil {
			t.Errorf("port of process %d: %v", listener.PID, err)
		}
	}
	if _, err := os.Lstat(hub.Dir()); !os.IsNotExist(err) {
		t.Errorf("%s: %v, want it removed", hub.Dir(), err)
	}
	for _, path := range temporaryFiles(t) {
		if !slices.Contains(temporary, path) {
			t.Errorf("%s was left", path)
		}
	}
	result := hub.Run(t, "uninstall").Want(t, 2)
	if !strings.Contains(result.Stderr, "there is no hub") {
		t.Errorf("a second uninstall says %q", result.Stderr)
	}
	if hubs, err := hub.Hubs(); err == nil && len(hubs) == 0 {
		if _, err := os.Lstat(filepath.Dir(hub.HubsDir())); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want it removed with the last hub", filepath.Dir(hub.HubsDir()), err)
		}
	}
}

// temporaryFiles lists what backstack and its programs may have put into the folder for temporary files.
func temporaryFiles(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"backstack*", "_argocd*", "argocd*", "helm*", "kyverno*", "gitea*"} {
		paths, err := filepath.Glob(filepath.Join(os.TempDir(), pattern))
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, paths...)
	}
	return found
}
