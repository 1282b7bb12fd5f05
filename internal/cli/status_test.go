package cli

import (
	"bytes"
	"testing"

	"github.com/back-stack/backstack/hub"
)

func TestStatusSaysWhyAHubIsNotHealthy(t *testing.T) {
	var printed bytes.Buffer
	if err := printStatus(&printed, &hub.Status{
		Hub: "first",
		Components: []hub.ComponentStatus{
			{Name: "gitea", Healthy: true, Programs: []hub.ProgramStatus{{Name: "gitea", Healthy: true, Memory: 5 << 20}}},
			{Name: "kyverno", Reason: "kyverno: ended with exit status 1", Programs: []hub.ProgramStatus{
				{Name: "kyverno", Log: "/state/kyverno.log", Tail: []string{"starting", "no such certificate"}},
			}},
		},
		Applications: []hub.ApplicationStatus{
			{Name: "policies", Sync: "OutOfSync", Health: "Degraded", Reason: "last event of Application policies: OperationCompleted"},
		},
	}); err != nil {
		t.Fatal(err)
	}
	want := `HUB    HEALTH     PROVIDER  KUBERNETES  SERVER
first  Unhealthy

COMPONENT  HEALTH     VERSION  PROGRAMS  MEMORY  REASON
gitea      Healthy             1         5 MiB
kyverno    Unhealthy           1         -       kyverno: ended with exit status 1

APPLICATION  SYNC       HEALTH    REASON
policies     OutOfSync  Degraded  last event of Application policies: OperationCompleted

kyverno (/state/kyverno.log):
  starting
  no such certificate
`
	if got := printed.String(); got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
}
