package cli

import "github.com/spf13/cobra"

func newUninstallCommand(a *app) *cobra.Command {
	force := false
	c := &cobra.Command{
		Use:   "uninstall",
		Short: "Stop and remove everything of a hub",
		Long: `Uninstall stops the hub's processes and removes its cluster, repositories, data and credentials. Other hubs, and the
built programs that they share, stay. So does a cluster that backstack did not make: what the hub put into it goes, and
what stays is listed. While composites exist there that stand for something in a cloud, it is refused.`,
		Example: `  backstack uninstall

  # where there are several hubs
  backstack uninstall --hub staging`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, name, err := a.pick()
			if err != nil {
				return err
			}
			reporter, closeReporter := a.reporter(c.Context())
			defer closeReporter()
			return h.Uninstall(c.Context(), name, force, reporter)
		},
	}
	c.Flags().BoolVar(&force, "force", false, "remove the hub even if what it made outside its cluster is left to nobody")
	return c
}
