// Package cli is the command line of backstack: one file per command. A command parses and checks what it is given, calls
// the domain packages, and prints what they return.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// Streams are where a command reads and writes.
type Streams struct {
	In  io.Reader
	Out io.Writer // data
	Err io.Writer // progress and errors
}

// Exit statuses. Scripts rely on them.
const (
	exitDone      = 0
	exitFailed    = 1 // it failed
	exitRequest   = 2 // the request is wrong, and nothing was touched
	exitUnhealthy = 3 // it did not become healthy in time
	exitRefused   = 4 // refused, because something would be lost
)

// errInterrupted ends a command that got SIGINT or SIGTERM.
var errInterrupted = errors.New("interrupted: run the same command again to go on")

// Run runs the command that args name and returns its exit status.
func Run(args []string, streams Streams) int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	go func() {
		<-signals
		// From here on a second signal ends the process at once.
		signal.Stop(signals)
		cancel(errInterrupted)
	}()

	root := newRootCommand(&app{streams: streams, progress: report.Auto})
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	err := root.ExecuteContext(ctx)
	if err != nil {
		_, _ = fmt.Fprintf(streams.Err, "Error: %v\n", err)
	}
	return exitStatus(ctx, err)
}

// exitStatus is that of a command that ended with err. What is found to be wrong on the way out of one that was interrupted
// comes from that.
func exitStatus(ctx context.Context, err error) int {
	var request *hub.RequestError
	var usage *usageError
	var unmet *engine.UnmetError
	var unhealthy *hub.UnhealthyError
	var refused *hub.RefusedError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(context.Cause(ctx), errInterrupted):
		return exitFailed
	case errors.As(err, &unhealthy):
		return exitUnhealthy
	case errors.As(err, &refused):
		return exitRefused
	case errors.As(err, &request), errors.As(err, &usage), errors.As(err, &unmet):
		return exitRequest
	}
	return exitFailed
}

// usageError is a command line that is wrong.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// app is what all commands share: the streams and the flags of every command.
type app struct {
	streams  Streams
	progress report.Mode
	hub      string
}

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "backstack",
		Short: "Install and look after the hub of an internal developer platform",
		Long: `backstack installs the hub of an internal developer platform, the BACK stack: Backstage (portal), Argo CD
(delivery), Crossplane (infrastructure APIs) and Kyverno (policy). Argo CD then manages the hub, itself included, from
a Git repository.`,
		Example: `  # a whole hub on this machine, without a container engine
  backstack install

  # what there is, and why anything is not healthy
  backstack status

  # kubectl against the hub
  kubectl --kubeconfig "$(backstack outputs kubeconfig)" get applications -A

  # take it away again
  backstack uninstall`,
		Args:          knownCommand,
		RunE:          helpOnly,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().Var(&a.progress, "progress", "how progress is shown on stderr: auto, terminal, plain or json")
	root.PersistentFlags().StringVar(&a.hub, "hub", os.Getenv("BACKSTACK_HUB"),
		"the hub, where there are several on this machine (BACKSTACK_HUB)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w: `%s --help` lists the flags", err, c.CommandPath())}
	})
	must(root.RegisterFlagCompletionFunc("hub", a.completeHubs))
	must(root.RegisterFlagCompletionFunc("progress", cobra.FixedCompletions(progressModes(), cobra.ShellCompDirectiveNoFileComp)))
	root.AddCommand(
		newInstallCommand(a), newStatusCommand(a), newUninstallCommand(a), newOutputsCommand(a), newEngineCommand(a),
		newVersionCommand(a), newBeadCommand(a),
	)
	checkCompletionArgs(root)
	return root
}

// checkCompletionArgs makes cobra's completion commands refuse stray arguments as the others do.
func checkCompletionArgs(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Args, c.RunE = knownCommand, helpOnly
		for _, shell := range c.Commands() {
			shell.Args = noArgs
		}
	}
}

// noArgs refuses stray arguments: `backstack uninstall demo` must not remove another hub than demo.
func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return &usageError{fmt.Errorf("%s takes no argument, got %q: flags name everything, `%s --help` lists them",
			c.CommandPath(), strings.Join(args, " "), c.CommandPath())}
	}
	return nil
}

// knownCommand refuses the arguments of a command that only groups others: one that is left is none of them.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	nearest := ""
	c.SuggestionsMinimumDistance = 2
	if suggestions := c.SuggestionsFor(args[0]); len(suggestions) > 0 {
		nearest = fmt.Sprintf(" (did you mean %s?)", strings.Join(suggestions, " or "))
	}
	return &usageError{fmt.Errorf("unknown command %q%s: `%s --help` lists the commands", args[0], nearest, c.CommandPath())}
}

// helpOnly is what a command does that only groups others.
func helpOnly(c *cobra.Command, _ []string) error { return c.Help() }

// home is where hubs are, by the XDG base directory specification
// (https://specifications.freedesktop.org/basedir-spec/latest/).
func home() (hub.Home, error) {
	state, err := baseDir("XDG_STATE_HOME", ".local/state")
	if err != nil {
		return hub.Home{}, err
	}
	cache, err := baseDir("XDG_CACHE_HOME", ".cache")
	if err != nil {
		return hub.Home{}, err
	}
	return hub.Home{State: filepath.Join(state, "backstack"), Cache: filepath.Join(cache, "backstack")}, nil
}

func baseDir(variable, fallback string) (string, error) {
	if dir := os.Getenv(variable); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", &usageError{fmt.Errorf("%s is %q: want an absolute path", variable, dir)}
		}
		return dir, nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", &usageError{fmt.Errorf("looking for the home folder: %w: set HOME, or %s to an absolute path", err, variable)}
	}
	return filepath.Join(user, fallback), nil
}

// pick returns the hub that a command is about.
func (a *app) pick() (hub.Home, string, error) {
	h, err := home()
	if err != nil {
		return hub.Home{}, "", err
	}
	name, err := h.Pick(a.hub)
	return h, name, err
}

func (a *app) completeHubs(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	h, err := home()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	hubs, err := h.Hubs()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return hubs, cobra.ShellCompDirectiveNoFileComp
}

// must is for errors that only a mistake in this package can make.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
