package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/cluster/embedded"
)

func newEngineCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "engine",
		Short: "Build, list, start, stop and look into the programs of embedded hubs",
		Long: `The engine is the set of programs that an embedded hub runs: Kubernetes, Gitea, Argo CD, Crossplane and Kyverno. It is
built once per version, from pinned Go modules, and shared by all hubs of this machine.`,
		Args: knownCommand,
		RunE: helpOnly,
	}
	c.AddCommand(newEngineBuild(a), newEngineList(a), newEngineLogs(a), newEngineStart(a), newEngineStop(a), newEngineSupervise())
	return c
}

func newEngineBuild(a *app) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "build",
		Short: "Build the programs, and pack them for machines that cannot",
		Long: `Build makes the programs of embedded hubs unless they are there already. With --output it packs them into an archive
with checksums: set BACKSTACK_ENGINE to the archive's path on a machine that has no Go toolchain or no network.`,
		Example: "  backstack engine build\n\n  backstack engine build --output backstack-engine.tar.zst",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := home()
			if err != nil {
				return err
			}
			if output != "" {
				if err := engine.CheckPack(output); err != nil {
					return &usageError{fmt.Errorf("--output: %w", err)}
				}
			}
			reporter, closeReporter := a.reporter(c.Context())
			defer closeReporter()
			built, err := engine.Ensure(c.Context(), engine.Options{
				CacheDir: h.Cache, Archive: os.Getenv("BACKSTACK_ENGINE"),
			}, reporter)
			if err != nil {
				return err
			}
			if output == "" {
				_, err = fmt.Fprintln(a.streams.Out, built.Dir)
				return err
			}
			if err := engine.Pack(c.Context(), built, output); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.streams.Out, output)
			return err
		},
	}
	c.Flags().StringVar(&output, "output", "", "the archive to pack the programs into")
	return c
}

func newEngineList(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:   "list",
		Short: "List the engines on this machine and the programs in them",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			h, err := home()
			if err != nil {
				return err
			}
			cached, err := engine.List(h.Cache)
			if err != nil {
				return err
			}
			if cached == nil {
				cached = []engine.Cached{} // no engine is an empty list
			}
			return format.print(a.streams.Out, cached, func(w io.Writer) error { return printEngines(w, cached) })
		},
	}
	addOutputFlag(c, &format)
	return c
}

func printEngines(w io.Writer, cached []engine.Cached) error {
	if len(cached) == 0 {
		_, err := fmt.Fprintln(w, "no engine is built: `backstack engine build` builds it")
		return err
	}
	rows := [][]string{{"ENGINE", "USE", "PROGRAM", "VERSION", "SIZE"}}
	for _, c := range cached {
		use := "old"
		switch {
		case c.Fault != "":
			use = "broken: " + c.Fault
		case c.Current:
			use = "current"
		}
		if len(c.Manifest.Programs) == 0 {
			rows = append(rows, []string{short(c.Hash), use})
		}
		for _, program := range c.Manifest.Programs {
			rows = append(rows, []string{short(c.Hash), use, program.Name, program.Version, mebibytes(program.Size)})
		}
	}
	return table(w, rows)
}

// short is enough of a hash to tell engines apart.
func short(hash string) string { return hash[:min(len(hash), 12)] }

func newEngineLogs(a *app) *cobra.Command {
	var lines int
	c := &cobra.Command{
		Use:     "logs PROGRAM",
		Short:   "Print the end of the log of one of the hub's programs",
		Example: "  backstack engine logs kube-apiserver\n\n  backstack engine logs argocd-repo-server --lines 200",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{fmt.Errorf("%s takes one argument, the name of a program, got %d: `backstack status -o json` "+
					"lists the programs", c.CommandPath(), len(args))}
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return embedded.ProcessNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			h, name, err := a.pick()
			if err != nil {
				return err
			}
			if lines < 1 {
				return &usageError{fmt.Errorf("--lines %d: want 1 or more", lines)}
			}
			tail, path, err := h.Log(name, args[0], lines)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(a.streams.Err, path); err != nil {
				return err
			}
			for _, line := range tail {
				if _, err := fmt.Fprintln(a.streams.Out, line); err != nil {
					return err
				}
			}
			return nil
		},
	}
	c.Flags().IntVar(&lines, "lines", 50, "how many lines")
	return c
}

func newEngineStart(a *app) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "start",
		Short: "Start the processes of a stopped hub, with the data it had",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkTimeout(timeout); err != nil {
				return &usageError{err}
			}
			h, name, err := a.pick()
			if err != nil {
				return err
			}
			command, err := supervisorCommand()
			if err != nil {
				return err
			}
			reporter, closeReporter := a.reporter(c.Context())
			defer closeReporter()
			return h.Start(c.Context(), name, command(h.Dir(name)), timeout, reporter)
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", installTimeout, "how long the processes may take to be ready")
	return c
}

func newEngineStop(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the processes of a hub and keep its data",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			h, name, err := a.pick()
			if err != nil {
				return err
			}
			reporter, closeReporter := a.reporter(c.Context())
			defer closeReporter()
			return h.Stop(c.Context(), name, reporter)
		},
	}
}

// superviseDir is the flag of the hidden command that keeps a hub's processes running.
const superviseDir = "dir"

func newEngineSupervise() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:    "supervise",
		Short:  "Keep the processes of a hub running (started by install and start)",
		Hidden: true,
		Args:   noArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return embedded.Supervise(c.Context(), dir) },
	}
	c.Flags().StringVar(&dir, superviseDir, "", "the hub's state folder")
	must(c.MarkFlagRequired(superviseDir))
	return c
}

// supervisorCommand makes the command line of newEngineSupervise for a hub's state folder.
func supervisorCommand() (func(dir string) []string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("looking for this program's own path: %w", err)
	}
	return func(dir string) []string {
		return []string{self, "engine", "supervise", "--" + superviseDir + "=" + dir}
	}, nil
}
