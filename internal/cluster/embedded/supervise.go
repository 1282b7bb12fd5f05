package embedded

import (
	"context"

	"github.com/back-stack/backstack/internal/supervisor"
)

// Supervise runs the supervisor of the hub whose files are in dir until it is told to stop. Beside the processes it does
// what on a cluster with nodes somebody else does: it tells Crossplane where its functions are, and Argo CD that there is
// a commit.
func Supervise(ctx context.Context, dir string) error {
	l := Layout{Root: dir}
	return supervisor.Run(ctx, supervisor.Options{
		Dir: l.Supervisor(),
		Background: []supervisor.Background{
			func(ctx context.Context, _ *supervisor.Supervisor) error { return l.announceFunctions(ctx) },
			func(ctx context.Context, _ *supervisor.Supervisor) error { return l.followCommits(ctx) },
		},
	})
}
