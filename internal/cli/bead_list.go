package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
)

func newBeadListCommand(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the Beads on the hub and in the library",
		Example: "  backstack bead list\n\n  backstack bead list -o json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, opened, err := a.openBeads(c.Context())
			if err != nil {
				return err
			}
			list, err := opened.List(c.Context())
			if err != nil {
				return err
			}
			return format.print(a.streams.Out, list, func(w io.Writer) error { return printBeads(w, list) })
		},
	}
	addOutputFlag(c, &format)
	return c
}

func printBeads(w io.Writer, list []beads.Entry) error {
	rows := [][]string{{"BEAD", "INSTALLED", "HEALTH", "AVAILABLE", "DESCRIPTION"}}
	for _, entry := range list {
		row := []string{entry.Name, "-", "-", dash(entry.Available), entry.Description}
		if entry.Installed {
			row[1], row[2] = dash(entry.Version), health(entry.Healthy)
		}
		if entry.Installed && !entry.Healthy && entry.Reason != "" {
			row[4] = entry.Reason
		}
		rows = append(rows, row)
	}
	return table(w, rows)
}

// dash stands for what there is none of.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
