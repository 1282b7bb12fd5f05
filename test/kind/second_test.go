//go:build e2e

package kind

import (
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// testSecondHub makes a second hub beside the first, which everything happens to that can happen to an install, and removes
// it again. The first is not to notice.
func testSecondHub(t *testing.T, first *hubtest.Hub) {
	docked, running, commits := belongings(t), podsOf(t, first.Client(t)), cloneOf(t, first, "hub").commits(t)
	second := first.Hub("second")
	file := described(t, second.Name, nil)
	t.Run("SIGINT while the cluster is made", func(t *testing.T) {
		interrupt(t, second, file, "cluster", "waiting", "running")
		checkBelongings(t, docked)
	})
	t.Run("SIGKILL", func(t *testing.T) { testKilledInstalls(t, second, file) })
	t.Run("SIGINT", func(t *testing.T) {
		for _, step := range []string{"configuration", "kyverno", "root application"} {
			interrupt(t, second, file, step, "started")
		}
	})
	second.Machine.Must(t, "install", "-f", file)
	checkHealthy(t, second, components)
	if commits := cloneOf(t, second, "hub").commits(t); len(commits) != 1 {
		t.Errorf("hub.git has the commits %q, want one", commits)
	}
	t.Run("Kyverno starts again before it is handed over", func(t *testing.T) {
		second.Disown(t)
		// The kubelet starts what ends twice only after 10 seconds.
		for range 2 {
			hubtest.Eventually(t, "a process of Kyverno's admission controller", func() error {
				return killProcesses(t, second, "kyverno-admission-controller")
			})
		}
		second.Must(t, "install")
		checkHealthy(t, second, components)
	})
	t.Run("two installs at once", func(t *testing.T) { testLock(t, second) })
	t.Run("other ports", func(t *testing.T) {
		mine, others := first.Outputs(t), second.Outputs(t)
		if mine.ArgoCD.URL == others.ArgoCD.URL || mine.Repositories.Hub == others.Repositories.Hub {
			t.Errorf("the hubs have the outputs %+v and %+v, want other addresses", mine, others)
		}
		if a, b := first.Status(t).Cluster.Server, second.Status(t).Cluster.Server; a == b {
			t.Errorf("both API servers are at %s", a)
		}
	})
	second.Must(t, "uninstall")
	checkBelongings(t, docked)
	checkHealthy(t, first, components)
	if now := podsOf(t, first.Client(t)); !maps.Equal(now, running) {
		t.Errorf("the first hub's pods are %v, want those that there were: %v", now, running)
	}
	if now := cloneOf(t, first, "hub").commits(t); len(now) != len(commits) {
		t.Errorf("the first hub's hub.git has the commits %q, want %q", now, commits)
	}
}

// interrupt sends SIGINT to an install at the first event of a step with one of the states.
func interrupt(t *testing.T, hub *hubtest.Hub, file, step string, states ...string) {
	t.Helper()
	running := hub.Machine.Start(t, "install", "-f", file)
	if !running.Await(step, states...) {
		t.Fatalf("the install ended before the step %s: %s", step, running.Wait().Stderr)
	}
	running.Signal(t, syscall.SIGINT)
	if result := running.Wait(); result.Status != 1 || !strings.Contains(result.Stderr, "interrupted") {
		t.Errorf("status %d: %s, want 1 and that it was interrupted", result.Status, result.Stderr)
	}
}

// testKilledInstalls kills installs of one hub, each further on its way.
func testKilledInstalls(t *testing.T, hub *hubtest.Hub, file string) {
	for _, moment := range []struct{ step, state string }{
		{"cluster", "waiting"}, {"configuration", "started"}, {"repositories", "started"}, {"argocd", "started"},
		{"repositories", "done"}, {"crossplane", "done"}, {"root application", "done"}, {"applications", "waiting"},
	} {
		running := hub.Machine.Start(t, "install", "-f", file)
		if !running.Await(moment.step, moment.state) {
			running.Wait().Want(t, 0) // there was nothing to wait for: an earlier install has come that far
			continue
		}
		running.Signal(t, syscall.SIGKILL)
		running.Wait().Want(t, -1)
	}
}

func testLock(t *testing.T, hub *hubtest.Hub) {
	first := hub.Start(t, "install")
	if !first.Await("cluster", "unchanged", "done") {
		t.Fatal("the install ended without looking at the cluster")
	}
	second := hub.Run(t, "install")
	if second.Status != 1 || !strings.Contains(second.Stderr, fmt.Sprint(first.PID)) {
		t.Errorf("the second install ended with %d: %s, want it to name process %d", second.Status, second.Stderr, first.PID)
	}
	first.Wait().Want(t, 0)
}
