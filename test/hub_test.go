package test

import (
	"maps"
	"testing"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// TestHub is the life of a hub. Each part leaves it healthy.
func TestHub(t *testing.T) {
	hub := machine.Hub("first")
	watched := hub.WatchArguments()
	hub.Must(t, "install")
	arguments := watched()
	for _, part := range []struct {
		name string
		test func(*testing.T, *hubtest.Hub)
	}{
		{"status of a healthy hub", testStatus},
		{"Argo CD found everything as Git says", testAdoption},
		{"outputs lead to the hub", testOutputs},
		{"its engine is listed", testEngineList},
		{"installing again changes nothing", testInstallAgain},
		{"listeners", testListeners},
		{"files are for their owner alone", testModes},
		{"policies", testPolicies},
		{"a commit takes effect", testCommits},
		{"a commit while an install goes on", testCommitDuringInstall},
		{"a hand edit is put back", testHandEdits},
		{"a bead is installed, used and changed", testBead},
		{"beads", testBeads},
		{"tests of beads", testBeadTests},
		{"what a person committed stays", testConflict},
		{"a killed process comes back", testKilledPrograms},
		{"restart keeps the data", testRestart},
		{"a second hub beside it", testSecondHub},
		{"no credential gets out", func(t *testing.T, hub *hubtest.Hub) { testSecrets(t, hub, arguments) }},
		{"uninstall leaves nothing", testUninstall},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, hub) })
	}
}

// unchanged is what an install that changes nothing leaves as it is.
type unchanged struct {
	hub, requests string // the newest commits
	pids          map[string]int
	supervisor    int
}

func observe(t *testing.T, hub *hubtest.Hub) unchanged {
	t.Helper()
	return unchanged{
		hub:        hub.Clone(t, "hub").Revision(t),
		requests:   hub.Clone(t, "requests").Revision(t),
		pids:       hub.Status(t).PIDs(),
		supervisor: hub.Supervisor(t).PID,
	}
}

func (before unchanged) check(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	now := observe(t, hub)
	if now.hub != before.hub || now.requests != before.requests {
		t.Errorf("there are new commits: %s and %s, want %s and %s", now.hub, now.requests, before.hub, before.requests)
	}
	if !maps.Equal(now.pids, before.pids) || now.supervisor != before.supervisor {
		t.Errorf("processes were restarted: %v and supervisor %d, want %v and %d",
			now.pids, now.supervisor, before.pids, before.supervisor)
	}
}

// checkCommits checks that a hub has exactly the commits of one install.
func checkCommits(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	for _, name := range []string{"hub", "requests"} {
		if commits := hub.Clone(t, name).Commits(t); len(commits) != 1 {
			t.Errorf("%s.git has the commits %q, want one", name, commits)
		}
	}
}
