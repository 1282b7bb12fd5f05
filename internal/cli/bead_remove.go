package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
	"github.com/back-stack/backstack/internal/report"
)

func newBeadRemoveCommand(a *app) *cobra.Command {
	var flags changeFlags
	var force bool
	c := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take a Bead off the hub",
		Long: `Remove takes a Bead off the hub: its folder out of hub.git, and with it what Argo CD has applied. It waits until all
of it is gone.

It is refused, with exit status 4 and the list of what is in the way, while other Beads require the Bead or something
exists of a kind that it defines. With --force the latter is no obstacle: it is deleted with the Bead.`,
		Example:           "  backstack bead remove namespace\n\n  backstack bead remove namespace --dry-run",
		Args:              oneArg("a Bead's name"),
		ValidArgsFunction: a.completeInstalledBeads,
		RunE: func(c *cobra.Command, args []string) error {
			return flags.change(c, a, "bead remove "+args[0], func(ctx context.Context, h *beads.Hub, to report.Reporter) (*beads.Change, error) {
				return h.Remove(ctx, args[0], flags.dryRun, force, to)
			})
		},
	}
	flags.add(c)
	c.Flags().BoolVar(&force, "force", false, "delete what people asked for with the Bead")
	return c
}
