package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
	"github.com/back-stack/backstack/internal/report"
)

// changeFlags are those of every command that changes the Beads of a hub.
type changeFlags struct {
	format      format
	dryRun      bool
	pullRequest bool
	wait        bool
	timeout     time.Duration
}

func (f *changeFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	c.Flags().BoolVar(&f.pullRequest, "pull-request", false, "open a pull request instead of committing to the branch that the hub follows")
	c.Flags().BoolVar(&f.wait, "wait", true, "wait until Argo CD has done what was committed")
	c.Flags().DurationVar(&f.timeout, "timeout", beadTimeout, "how long to wait")
	c.MarkFlagsMutuallyExclusive("dry-run", "pull-request")
	addOutputFlag(c, &f.format)
}

// change opens the hub, holds its lock, does the work, and prints what changed.
func (f *changeFlags) change(
	c *cobra.Command, a *app, command string, work func(context.Context, *beads.Hub, report.Reporter) (*beads.Change, error),
) error {
	if f.timeout <= 0 {
		return &usageError{fmt.Errorf("--timeout %s: want a positive duration such as 5m", f.timeout)}
	}
	ctx := c.Context()
	home, opened, err := a.openBeads(ctx)
	if err != nil {
		return err
	}
	if !f.dryRun {
		release, err := home.Lock(opened.Name, command)
		if err != nil {
			return err
		}
		defer release()
	}
	opened.Timeout, opened.NoWait = f.timeout, !f.wait
	if f.pullRequest {
		if opened.Proposing, err = opened.PullRequests(ctx); err != nil {
			return err
		}
	}
	reporter, closeReporter := a.reporter(ctx)
	change, err := work(ctx, opened, reporter)
	closeReporter()
	if change == nil {
		return err
	}
	if printed := f.format.print(a.streams.Out, change, func(w io.Writer) error { return f.text(w, change) }); printed != nil {
		return printed
	}
	return err
}

// text says for a person what changed, or would.
func (f *changeFlags) text(w io.Writer, change *beads.Change) error {
	if f.dryRun {
		for _, file := range change.Files {
			if _, err := fmt.Fprint(w, file.Diff); err != nil {
				return err
			}
		}
		rows := [][]string{}
		for _, file := range change.Files {
			rows = append(rows, []string{file.Action, file.Path})
		}
		if err := table(w, rows); err != nil {
			return err
		}
	}
	for _, warning := range change.Warnings {
		if _, err := fmt.Fprintln(w, "Warning: "+warning); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, f.summary(change))
	return err
}

func (f *changeFlags) summary(change *beads.Change) string {
	name := change.Bead
	if version := change.Version; version != "" {
		name += " " + version
	}
	for _, also := range change.Also {
		name += ", " + also
	}
	switch {
	case len(change.Files) == 0:
		return fmt.Sprintf("Bead %s: nothing to change", name)
	case f.dryRun:
		return fmt.Sprintf("Bead %s: %d files of hub.git would change", name, len(change.Files))
	case change.PullRequest != "":
		return fmt.Sprintf("Bead %s: proposed in %s", name, change.PullRequest)
	case change.Version == "":
		return fmt.Sprintf("Bead %s: removed", name)
	}
	return fmt.Sprintf("Bead %s: %d files of hub.git, commit %.8s", name, len(change.Files), change.Revision)
}
