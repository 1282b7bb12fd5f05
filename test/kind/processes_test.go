//go:build e2e

package kind

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// process is that of a container on a hub's node.
type process struct{ namespace, pod, pid string }

// processesOf lists the processes of the hub's containers, in the order of their pods' names.
func processesOf(t *testing.T, hub *hubtest.Hub) []process {
	t.Helper()
	pids := map[string]string{}
	for line := range strings.Lines(docker(t, "exec", node(hub), "ctr", "--namespace", "k8s.io", "tasks", "list")) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[2] == "RUNNING" {
			pids["containerd://"+fields[0]] = fields[1]
		}
	}
	list, err := hub.Client(t).List(hubtest.Patient(t), pods, "")
	if err != nil {
		t.Fatal(err)
	}
	var found []process
	for _, pod := range list {
		containers, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
		for _, item := range containers {
			if pid := pids[fmt.Sprint(item.(map[string]any)["containerID"])]; pid != "" {
				found = append(found, process{namespace: pod.GetNamespace(), pod: pod.GetName(), pid: pid})
			}
		}
	}
	slices.SortFunc(found, func(a, b process) int { return strings.Compare(a.pod, b.pod) })
	return found
}

func kill(t *testing.T, hub *hubtest.Hub, p process) {
	t.Helper()
	docker(t, "exec", node(hub), "kill", "-KILL", p.pid)
}

// killProcesses kills those of the pods whose names begin with prefix; it is a fault if there are none.
func killProcesses(t *testing.T, hub *hubtest.Hub, prefix string) error {
	t.Helper()
	killed := 0
	for _, p := range processesOf(t, hub) {
		if strings.HasPrefix(p.pod, prefix) {
			kill(t, hub, p)
			killed++
		}
	}
	if killed == 0 {
		return fmt.Errorf("no process of %s runs", prefix)
	}
	return nil
}

// testKilledProcesses kills every process of the hub's components, one of each component at once, and those of Kubernetes.
// Each is to come back, and status to say what happened.
func testKilledProcesses(t *testing.T, hub *hubtest.Hub) {
	groups := map[string][]process{}
	for _, p := range processesOf(t, hub) {
		groups[p.namespace] = append(groups[p.namespace], p)
	}
	own := []string{"argocd", "crossplane-system", "gitea", "kyverno", "traefik"}
	killed, forgotten := 0, 0
	for round := 0; ; round++ {
		var victims []process
		for _, namespace := range own {
			if round < len(groups[namespace]) {
				victims = append(victims, groups[namespace][round])
			}
		}
		if len(victims) == 0 {
			break
		}
		killed += len(victims)
		before := hub.Status(t).Programs()
		for _, p := range victims {
			kill(t, hub, p)
		}
		hubtest.Eventually(t, "what was killed to be back", func() error {
			var faults []error
			now := hub.Status(t).Programs()
			unknown := 0
			for _, p := range victims {
				faults = append(faults, cameBack(before[p.pod], now[p.pod]))
				if strings.Contains(now[p.pod].Reason, notKept) {
					unknown++
				}
			}
			if err := errors.Join(faults...); err != nil {
				return err
			}
			forgotten += unknown
			return nil
		})
		hub.AwaitHealthy(t)
	}
	if programs := len(hub.Status(t).Programs()); killed != programs {
		t.Errorf("%d processes were killed, want one of each of the %d pods", killed, programs)
	}
	if forgotten > killed/2 {
		t.Errorf("of %d of the %d that were killed, status does not say how they ended", forgotten, killed)
	}
	for _, p := range groups["kube-system"] {
		kill(t, hub, p)
	}
	checkHealthy(t, hub, components)
	hubtest.Eventually(t, "Kubernetes to be back", func() error {
		running := slices.DeleteFunc(processesOf(t, hub), func(p process) bool {
			return p.namespace != "kube-system" || slices.Contains(groups["kube-system"], p)
		})
		if len(running) != len(groups["kube-system"]) {
			return fmt.Errorf("%v run, want all of %v again", running, groups["kube-system"])
		}
		return nil
	})
}

// notKept is what status says where the kubelet has forgotten how a container ended, as it does when it looks for containers
// to remove at a bad moment (see kube.Restarts): once a minute, so of one round perhaps, but not of most.
const notKept = "has not kept"

// cameBack returns what is missing for the pod of a killed process to run again, and for status to tell of it.
func cameBack(before, now hubtest.Program) error {
	switch {
	case !now.Healthy:
		return fmt.Errorf("%s is not healthy again: %+v", before.Name, now)
	case now.Restarts <= before.Restarts:
		return fmt.Errorf("%s has %d restarts, want more than %d", now.Name, now.Restarts, before.Restarts)
	case !strings.Contains(now.Reason, "restart") ||
		!strings.Contains(now.Reason, "exited with code 137") && !strings.Contains(now.Reason, notKept):
		return fmt.Errorf("%s came back with the reason %q, want how often and how it ended", now.Name, now.Reason)
	}
	return nil
}
