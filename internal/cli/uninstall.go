package cli

import "github.com/spf13/cobra"

func newUninstallCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "uninstall",
		Short: "Stop and remove everything of a hub",
		Long: `Uninstall stops the hub's processes and removes its cluster, repositories, data and credentials. Other hubs, and the
built programs that they share, stay.`,
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
			return h.Uninstall(c.Context(), name, reporter)
		},
	}
}
