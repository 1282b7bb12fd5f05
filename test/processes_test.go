package test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// testKilledPrograms kills every program of the hub and checks that each comes back and that status says what happened.
// Programs that wait for each other are not killed at once, so that what is seen of one is not the other's doing.
func testKilledPrograms(t *testing.T, hub *hubtest.Hub) {
	groups := [][]string{
		{"kube-controller-manager", "argocd-server", "crossplane", "kyverno", "function-auto-ready"},
		{"gitea", "argocd-repo-server", "crossplane-rbac-manager", "function-patch-and-transform"},
		{"argocd-redis", "argocd-applicationset-controller", "kyverno-background-controller", "kyverno-cleanup-controller"},
		{"argocd-application-controller", "kyverno-reports-controller"},
		{"kube-apiserver"},
		{"etcd"},
	}
	all := slices.Sorted(slices.Values(slices.Concat(groups...)))
	if programs := slices.Sorted(maps.Keys(hub.Status(t).Programs())); !slices.Equal(programs, all) {
		t.Fatalf("the hub runs %v, want %v", programs, all)
	}
	for _, group := range groups {
		t.Run(strings.Join(group, " "), func(t *testing.T) {
			before := hub.Status(t).Programs()
			for _, name := range group {
				hubtest.Process{PID: before[name].PID}.Kill()
			}
			hubtest.Eventually(t, "what was killed to be back", func() error {
				var faults []error
				now := hub.Status(t).Programs()
				for _, name := range group {
					faults = append(faults, cameBack(before[name], now[name]))
				}
				return errors.Join(faults...)
			})
			hub.AwaitHealthy(t)
		})
	}
	t.Run("supervisor", func(t *testing.T) { testKilledSupervisor(t, hub) })
	t.Run("standby", func(t *testing.T) {
		supervisor, standby := hub.Supervisor(t), hub.Standby(t)
		standby.Kill()
		hubtest.Eventually(t, "another standby", func() error {
			if now := hub.Standbys(t); len(now) != 1 || now[0].PID == standby.PID {
				return fmt.Errorf("there are %v, want another than %d", now, standby.PID)
			}
			return nil
		})
		if now := hub.Supervisor(t); now.PID != supervisor.PID {
			t.Errorf("the supervisor is process %d, want still %d", now.PID, supervisor.PID)
		}
	})
}

// testKilledSupervisor checks that the hub comes back by itself when its supervisor was killed, and all programs with it.
func testKilledSupervisor(t *testing.T, hub *hubtest.Hub) {
	before, standby := hub.Status(t).Programs(), hub.Standby(t)
	hub.Supervisor(t).Kill()
	hubtest.Eventually(t, "the hub to be back", func() error {
		var faults []error
		now := hub.Status(t).Programs()
		for name, program := range before {
			program.Restarts = 0 // what a killed supervisor had counted is lost
			faults = append(faults, cameBack(program, now[name]))
		}
		return errors.Join(faults...)
	})
	if now := hub.Supervisor(t); now.PID != standby.PID {
		t.Errorf("the supervisor is process %d, want the standby %d", now.PID, standby.PID)
	}
	hub.AwaitHealthy(t)
	checkOneOfEach(t, hub)
}

// cameBack returns what is missing for a killed program to run again and status to tell of it.
func cameBack(before, now hubtest.Program) error {
	switch {
	case !now.Healthy || now.PID == before.PID || now.PID == 0:
		return fmt.Errorf("%s is not healthy again: %+v", now.Name, now)
	case now.Restarts != before.Restarts+1:
		return fmt.Errorf("%s has %d restarts, want %d", now.Name, now.Restarts, before.Restarts+1)
	case !strings.Contains(now.Reason, "restart") || !strings.Contains(now.Reason, "killed"):
		return fmt.Errorf("%s came back with the reason %q, want how often and how it ended", now.Name, now.Reason)
	}
	return nil
}

// testRestart checks that a hub of which all processes are gone comes back as it was: by `engine start` after
// `engine stop`, and by `install` after the end of the machine.
func testRestart(t *testing.T, hub *hubtest.Hub) {
	before := hub.Clone(t, "hub").Revision(t)
	commits := len(hub.Clone(t, "hub").Commits(t))
	check := func(t *testing.T) {
		t.Helper()
		hub.AwaitHealthy(t)
		hubtest.Until(t, hub.Client(t), configMaps, "bead-demo", "card", hubtest.HasValue("hej", "data", "word"))
		repository := hub.Clone(t, "hub")
		if now := repository.Revision(t); now != before || len(repository.Commits(t)) != commits {
			t.Errorf("hub.git is at %s with %d commits, want %s with %d", now, len(repository.Commits(t)), before, commits)
		}
	}
	t.Run("engine stop and engine start", func(t *testing.T) {
		hub.Must(t, "engine", "stop")
		hub.AwaitNoProcess(t)
		checkStopped(t, hub)
		hub.Must(t, "engine", "stop") // stopping what is stopped is no fault
		hub.Must(t, "engine", "start")
		check(t)
	})
	t.Run("all killed and install", func(t *testing.T) {
		hub.PullThePlug(t)
		checkStopped(t, hub)
		hub.Must(t, "install")
		check(t)
	})
}

// checkStopped checks what is said of a hub that does not run.
func checkStopped(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	result := hub.Run(t, "status").Want(t, 3)
	if !strings.Contains(result.Stderr, "it is stopped: `backstack engine start`") {
		t.Errorf("status of a stopped hub says\n%s%s", result.Stdout, result.Stderr)
	}
	if outputs := hub.Outputs(t); outputs.Kubeconfig == "" {
		t.Errorf("a stopped hub has the outputs %+v", outputs)
	}
}
