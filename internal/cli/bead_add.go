package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
	"github.com/back-stack/backstack/internal/report"
)

func newBeadAddCommand(a *app) *cobra.Command {
	var flags changeFlags
	var parameters parameterFlags
	c := &cobra.Command{
		Use:   "add NAME|PATH|oci://...|git::...//path@ref",
		Short: "Put a Bead on the hub",
		Long: `Add puts a Bead on the hub, with those that it requires and that the library has: it checks requirements, parameters
and conflicts, commits the manifests to hub.git, and waits until Argo CD has applied them and they are healthy. Adding
what is there already changes nothing.

The exit status is 2 if the Bead cannot be added to this hub (nothing was touched), and 3 if it was added and did not
become healthy.`,
		Example: `  # from the library
  backstack bead add namespace

  # what would be written, with a parameter
  backstack bead add gke --set region=europe-west4 --dry-run

  # a folder, a registry, a repository
  backstack bead add ./postgres
  backstack bead add oci://registry.example.com/beads/postgres:1.2.0
  backstack bead add git::https://github.com/example/beads.git//postgres@v1.2.0

  # let somebody look at it first
  backstack bead add gke --pull-request`,
		Args:              oneArg("a Bead's name, its folder, or where it is"),
		ValidArgsFunction: completeBeads,
		RunE: func(c *cobra.Command, args []string) error {
			values, err := parameters.values(a.streams.In)
			if err != nil {
				return err
			}
			return flags.change(c, a, "bead add "+args[0], func(ctx context.Context, h *beads.Hub, to report.Reporter) (*beads.Change, error) {
				return h.Add(ctx, beads.Wanted{Source: args[0], Values: values, DryRun: flags.dryRun}, to)
			})
		},
	}
	parameters.add(c)
	flags.add(c)
	return c
}
