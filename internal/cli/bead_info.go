package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
)

func newBeadInfoCommand(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:               "info NAME",
		Short:             "Describe a Bead: its parameters, what it brings, who uses it",
		Example:           "  backstack bead info gke\n\n  backstack bead info gke -o yaml",
		Args:              oneArg("a Bead's name"),
		ValidArgsFunction: completeBeads,
		RunE: func(c *cobra.Command, args []string) error {
			_, opened, err := a.openBeads(c.Context())
			if err != nil {
				return err
			}
			info, err := opened.Info(c.Context(), args[0])
			if err != nil {
				return err
			}
			return format.print(a.streams.Out, info, func(w io.Writer) error { return printBead(w, info) })
		},
	}
	addOutputFlag(c, &format)
	return c
}

func printBead(w io.Writer, i *beads.Info) error {
	rows := [][]string{{"Bead", i.Name}, {"Description", i.Description}}
	add := func(name, text string) {
		if text != "" {
			rows = append(rows, []string{name, text})
		}
	}
	if i.Installed {
		add("Installed", dash(i.Version)+", "+health(i.Healthy))
		add("Reason", i.Reason)
	}
	add("Available", i.Available)
	add("Source", i.Source)
	add("Digest", i.Digest)
	add("Licence", i.License)
	add("Parts", strings.Join(i.Parts, ", "))
	for _, name := range slices.Sorted(maps.Keys(i.Requires.Beads)) {
		add("Requires", "Bead "+name+" "+i.Requires.Beads[name])
	}
	for _, name := range slices.Sorted(maps.Keys(i.Requires.Components)) {
		add("Requires", name+" "+i.Requires.Components[name])
	}
	add("Required by", strings.Join(i.Requirers, ", "))
	for _, list := range []struct {
		name  string
		items []string
	}{{"Secret", i.Secrets}, {"Object", i.Objects}, {"In use", i.Claims}} {
		for _, item := range list.items {
			add(list.name, item)
		}
	}
	if err := table(w, rows); err != nil || len(i.Parameters) == 0 {
		return err
	}
	rows = [][]string{{"\nPARAMETER", "TYPE", "VALUE", "DESCRIPTION"}}
	for _, name := range slices.Sorted(maps.Keys(i.Parameters)) {
		parameter := i.Parameters[name]
		rows = append(rows, []string{name, parameter.Type, parameterValue(i.Values[name], parameter), parameter.Description})
	}
	return table(w, rows)
}

// parameterValue is what a parameter is: what was given, the default, or nothing.
func parameterValue(given any, p beads.Parameter) string {
	switch {
	case given != nil:
		return fmt.Sprint(given)
	case p.Default != nil:
		return fmt.Sprintf("%v (default)", p.Default)
	}
	return "must be given"
}
