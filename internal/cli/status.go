package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/hub"
)

func newStatusCommand(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what the hub is made of, and why anything is not healthy",
		Long: `Status shows the hub's cluster, components and applications. What is not healthy comes with its reason: the condition
and the last event of an application, the last lines of a program's log.

The exit status is 0 if the hub is healthy and 3 if it is not.`,
		Example: "  backstack status\n\n  backstack status -o json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, name, err := a.pick()
			if err != nil {
				return err
			}
			status, err := h.Describe(c.Context(), name)
			if err != nil {
				return err
			}
			if err := format.print(a.streams.Out, status, func(w io.Writer) error { return printStatus(w, status) }); err != nil {
				return err
			}
			return status.Err()
		},
	}
	addOutputFlag(c, &format)
	return c
}

func printStatus(w io.Writer, s *hub.Status) error {
	rows := [][]string{
		{"HUB", "HEALTH", "PROVIDER", "KUBERNETES", "SERVER"},
		{s.Hub, health(s.Healthy), s.Cluster.Provider, s.Cluster.Version, s.Cluster.Server},
	}
	if err := table(w, rows); err != nil {
		return err
	}
	rows = [][]string{{"\nCOMPONENT", "HEALTH", "VERSION", "PROGRAMS", "MEMORY", "REASON"}}
	var tails []string
	for _, component := range s.Components {
		memory := int64(0)
		for _, program := range component.Programs {
			memory += program.Memory
			tails = append(tails, tail(program)...)
		}
		rows = append(rows, []string{
			component.Name, health(component.Healthy), component.Version, fmt.Sprint(len(component.Programs)), mebibytes(memory),
			component.Reason,
		})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	if len(s.Applications) > 0 {
		rows = [][]string{{"\nAPPLICATION", "SYNC", "HEALTH", "REASON"}}
		for _, application := range s.Applications {
			rows = append(rows, []string{application.Name, application.Sync, application.Health, application.Reason})
		}
		if err := table(w, rows); err != nil {
			return err
		}
	}
	if len(tails) == 0 {
		return nil
	}
	_, err := fmt.Fprintln(w, "\n"+strings.Join(tails, "\n"))
	return err
}

// tail returns the last lines of an unhealthy program's log with a heading.
func tail(program hub.ProgramStatus) []string {
	if len(program.Tail) == 0 {
		return nil
	}
	heading := program.Name
	if program.Log != "" {
		heading += " (" + program.Log + ")"
	}
	lines := []string{heading + ":"}
	for _, line := range program.Tail {
		lines = append(lines, "  "+line)
	}
	return lines
}

func health(healthy bool) string {
	if healthy {
		return "Healthy"
	}
	return "Unhealthy"
}

func mebibytes(bytes int64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
