package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
	"github.com/back-stack/backstack/internal/report"
)

func newBeadUpgradeCommand(a *app) *cobra.Command {
	var flags changeFlags
	var parameters parameterFlags
	c := &cobra.Command{
		Use:   "upgrade NAME [PATH|oci://...|git::...]",
		Short: "Bring a Bead on the hub to another version, or to other parameters",
		Long: `Upgrade brings a Bead on the hub to the version that its source has now, or to that of another source, and keeps the
parameters that were given when it was added. --dry-run shows what would change.

A version whose definitions do not fit what people have asked for is refused with exit status 4.`,
		Example: `  # what would change
  backstack bead upgrade namespace --dry-run

  # to one version
  backstack bead upgrade postgres oci://registry.example.com/beads/postgres:1.3.0

  # the same version with another parameter
  backstack bead upgrade gke --set region=europe-west4`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 || len(args) > 2 {
				return &usageError{fmt.Errorf("%s takes a Bead's name and maybe where its new version is, got %q: `%s --help` has examples",
					c.CommandPath(), strings.Join(args, " "), c.CommandPath())}
			}
			return nil
		},
		ValidArgsFunction: a.completeInstalledBeads,
		RunE: func(c *cobra.Command, args []string) error {
			values, err := parameters.values(a.streams.In)
			if err != nil {
				return err
			}
			wanted := beads.Wanted{Values: values, DryRun: flags.dryRun}
			if len(args) == 2 {
				wanted.Source = args[1]
			}
			return flags.change(c, a, "bead upgrade "+args[0], func(ctx context.Context, h *beads.Hub, to report.Reporter) (*beads.Change, error) {
				return h.Upgrade(ctx, args[0], wanted, to)
			})
		},
	}
	parameters.add(c)
	flags.add(c)
	return c
}
