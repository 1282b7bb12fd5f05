package hubtest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/kube"
)

// Hub is a hub on a machine.
type Hub struct {
	*Machine
	Name string
}

// Status is the part of `status -o json` that scripts rely on.
type Status struct {
	Hub     string `json:"hub"`
	Healthy bool   `json:"healthy"`
	Cluster struct {
		Provider string `json:"provider"`
		Healthy  bool   `json:"healthy"`
		Version  string `json:"version"`
		Server   string `json:"server"`
		Reason   string `json:"reason"`
	} `json:"cluster"`
	Components []struct {
		Name     string    `json:"name"`
		Version  string    `json:"version"`
		Healthy  bool      `json:"healthy"`
		Reason   *string   `json:"reason"` // always there
		Programs []Program `json:"programs"`
	} `json:"components"`
	Applications []Application `json:"applications"`
	Beads        []struct {
		Name    string `json:"name"`
		Healthy bool   `json:"healthy"`
	} `json:"beads"`
	Spokes []struct {
		Name string `json:"name"`
	} `json:"spokes"`
}

// Application is an Argo CD Application in Status.
type Application struct {
	Name   string `json:"name"`
	Sync   string `json:"sync"`
	Health string `json:"health"`
	Reason string `json:"reason"`
}

// Program is a process of the hub in Status.
type Program struct {
	Name     string   `json:"name"`
	Healthy  bool     `json:"healthy"`
	PID      int      `json:"pid"`
	Restarts int      `json:"restarts"`
	Memory   int64    `json:"memory"`
	Reason   string   `json:"reason"`
	Log      string   `json:"log"`
	Tail     []string `json:"tail"`
}

// Outputs are those of `outputs -o json`.
type Outputs struct {
	Kubeconfig   string `json:"kubeconfig"`
	CA           string `json:"ca"`
	Repositories struct {
		Hub        string `json:"hub"`
		Requests   string `json:"requests"`
		Username   string `json:"username"`
		Credential string `json:"credential"`
	} `json:"repositories"`
	ArgoCD struct {
		URL        string `json:"url"`
		Username   string `json:"username"`
		Credential string `json:"credential"`
	} `json:"argocd"`
}

// Dir is the hub's state folder.
func (h *Hub) Dir() string { return filepath.Join(h.HubsDir(), h.Name) }

// args adds to a command's arguments which hub is meant.
func (h *Hub) args(args []string) []string { return append(slices.Clone(args), "--hub="+h.Name) }

// Run runs a command about this hub to its end.
func (h *Hub) Run(t testing.TB, args ...string) Result {
	t.Helper()
	return h.Machine.Run(t, h.args(args)...)
}

// Must runs a command about this hub and returns its output; a test that it fails in is over.
func (h *Hub) Must(t testing.TB, args ...string) string {
	t.Helper()
	return h.Run(t, args...).Want(t, 0).Stdout
}

// Start begins a command about this hub that reports its progress.
func (h *Hub) Start(t testing.TB, args ...string) *Running {
	t.Helper()
	return h.Machine.Start(t, h.args(args)...)
}

// Status returns the hub's status, which may be a bad one.
func (h *Hub) Status(t testing.TB) Status {
	t.Helper()
	result := h.Run(t, "status", "-o", "json")
	if result.Status != 0 && result.Status != 3 {
		result.Want(t, 0)
	}
	return decode[Status](t, result.Stdout)
}

// Outputs returns the hub's outputs.
func (h *Hub) Outputs(t testing.TB) Outputs {
	t.Helper()
	return decode[Outputs](t, h.Must(t, "outputs", "-o", "json"))
}

func decode[T any](t testing.TB, text string) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	return value
}

// Programs returns the hub's programs by name.
func (s Status) Programs() map[string]Program {
	programs := map[string]Program{}
	for _, component := range s.Components {
		for _, program := range component.Programs {
			programs[program.Name] = program
		}
	}
	return programs
}

// PIDs returns the process numbers of the hub's programs by name.
func (s Status) PIDs() map[string]int {
	pids := map[string]int{}
	for name, program := range s.Programs() {
		pids[name] = program.PID
	}
	return pids
}

// Processes lists the hub's processes: the supervisor, the programs and their children.
func (h *Hub) Processes() []Process { return ProcessesOf(h.Dir()) }

// Supervisor returns the process that keeps the others running.
func (h *Hub) Supervisor(t testing.TB) Process {
	t.Helper()
	number, _ := os.ReadFile(filepath.Join(h.Dir(), "supervisor", "supervisor.lock")) // no file: no supervisor
	for _, process := range h.Processes() {
		if strconv.Itoa(process.PID) == strings.TrimSpace(string(number)) && process.supervises() {
			return process
		}
	}
	t.Fatalf("hub %s has no supervisor", h.Name)
	return Process{}
}

// Standbys lists the processes that are to take over from the supervisor if it is killed.
func (h *Hub) Standbys(t testing.TB) []Process {
	t.Helper()
	current := h.Supervisor(t).PID
	return slices.DeleteFunc(h.Processes(), func(p Process) bool {
		return p.PID == current || !p.supervises()
	})
}

// Standby returns the one process that is to take over from the supervisor.
func (h *Hub) Standby(t testing.TB) Process {
	t.Helper()
	standbys := h.Standbys(t)
	if len(standbys) != 1 {
		t.Fatalf("beside the supervisor of hub %s there are %v, want one standby", h.Name, standbys)
	}
	return standbys[0]
}

// PullThePlug ends all processes of the hub as the end of the machine does: none sees another's end.
func (h *Hub) PullThePlug(t testing.TB) {
	t.Helper()
	processes := h.Processes()
	for _, process := range processes {
		process.Signal(syscall.SIGSTOP)
	}
	for _, process := range processes {
		process.Signal(syscall.SIGKILL)
	}
	h.AwaitNoProcess(t)
}

// AwaitHealthy waits until status finds nothing wrong, and returns it.
func (h *Hub) AwaitHealthy(t testing.TB) Status {
	t.Helper()
	var status Status
	Eventually(t, "hub "+h.Name+" to be healthy", func() error {
		result := h.Run(t, "status", "-o", "json")
		if result.Status != 0 {
			return fmt.Errorf("%s", result.Stderr)
		}
		status = decode[Status](t, result.Stdout)
		return nil
	})
	return status
}

// AwaitNoProcess waits until nothing of the hub runs.
func (h *Hub) AwaitNoProcess(t testing.TB) {
	t.Helper()
	Eventually(t, "no process of hub "+h.Name+" to be left", func() error {
		if left := h.Processes(); len(left) > 0 {
			return fmt.Errorf("%d are, among them %d: %s", len(left), left[0].PID, left[0].CommandLine)
		}
		return nil
	})
}

// Client talks to the hub's API with the administrator's kubeconfig.
func (h *Hub) Client(t testing.TB) *kube.Client {
	t.Helper()
	client, err := kube.New(h.Outputs(t).Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Until watches the objects of a kind until one called name is there that satisfied accepts. satisfied returns what is
// still missing, empty if nothing is.
func Until(
	t testing.TB, client *kube.Client, gvr schema.GroupVersionResource, namespace, name string,
	satisfied func(*unstructured.Unstructured) string,
) {
	t.Helper()
	err := client.Until(Patient(t), gvr, namespace, func(objects []*unstructured.Unstructured) (bool, string) {
		for _, obj := range objects {
			if obj.GetName() == name {
				missing := satisfied(obj)
				return missing == "", gvr.Resource + " " + name + ": " + missing
			}
		}
		return false, gvr.Resource + " " + name + " to be there"
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// HasValue makes a condition for Until: an object has a string at a path.
func HasValue(want string, path ...string) func(*unstructured.Unstructured) string {
	return func(obj *unstructured.Unstructured) string {
		if got, _, _ := unstructured.NestedString(obj.Object, path...); got != want {
			return fmt.Sprintf("%s is %q, want %q", strings.Join(path, "."), got, want)
		}
		return ""
	}
}
