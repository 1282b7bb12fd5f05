package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"helm.sh/helm/v3/pkg/strvals"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/library"
	"github.com/back-stack/backstack/beads/source"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/helm"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// beadTimeout is how long a Bead may take to become healthy, or to go away. Most take seconds; one that brings programs
// may have to fetch them.
const beadTimeout = 5 * time.Minute

func newBeadCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "bead",
		Short: "Extend the hub with packages, and write packages of your own",
		Long: `A Bead is a package that extends a hub: an Argo CD application with a Backstage template, a Crossplane composite and a
Kyverno policy set, each optional. A Bead on a hub is files in hub.git.`,
		Example: `  # what there is, and what is on the hub
  backstack bead list

  # namespaces as a service
  backstack bead add namespace

  # one of your own
  backstack bead new postgres
  backstack bead lint ./postgres
  backstack bead test ./postgres
  backstack bead add ./postgres`,
		Args: knownCommand,
		RunE: helpOnly,
	}
	c.AddCommand(
		newBeadNewCommand(a), newBeadLintCommand(a),
		newBeadListCommand(a), newBeadInfoCommand(a), newBeadAddCommand(a), newBeadUpgradeCommand(a), newBeadRemoveCommand(a),
		newBeadTestCommand(a), newBeadPackageCommand(a), newBeadPushCommand(a),
	)
	return c
}

// parameterFlags are the flags with which a Bead's parameters are given.
type parameterFlags struct {
	set   []string
	files []string
}

func (f *parameterFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "set", nil, "a parameter as NAME=VALUE, by Helm's rules; can be repeated")
	c.Flags().StringArrayVar(&f.files, "values", nil, "a YAML file with parameters, - for standard input; can be repeated")
}

// values returns the parameters that were given: files in their order, then --set.
func (f *parameterFlags) values(stdin io.Reader) (map[string]any, error) {
	values := map[string]any{}
	for _, name := range f.files {
		content, source, err := readValues(name, stdin)
		if err != nil {
			return nil, &usageError{fmt.Errorf("--values: %w", err)}
		}
		given := map[string]any{}
		if err := yaml.UnmarshalStrict(content, &given); err != nil {
			return nil, &usageError{fmt.Errorf("reading %s: %w: want a mapping of parameters", source, err)}
		}
		for key, value := range given {
			values[key] = value
		}
	}
	for _, argument := range f.set {
		if err := strvals.ParseInto(argument, values); err != nil {
			return nil, &usageError{fmt.Errorf("--set %s: %w: want NAME=VALUE", strictyaml.Quote(argument), err)}
		}
	}
	return values, nil
}

func readValues(name string, stdin io.Reader) (content []byte, source string, err error) {
	if name == "-" {
		content, err = spec.ReadFrom(stdin, "standard input")
		return content, "standard input", err
	}
	content, err = spec.Read(name)
	return content, name, err
}

// openBeads opens the hub that a command is about, for work on its Beads.
func (a *app) openBeads(ctx context.Context) (h hub.Home, opened *beads.Hub, err error) {
	h, name, err := a.pick()
	if err != nil {
		return h, nil, err
	}
	access, err := h.Access(ctx, name)
	if err != nil {
		return h, nil, err
	}
	return h, &beads.Hub{
		Access: access, Library: library.FS(), Version: strings.TrimPrefix(currentVersion().Version, "v"),
		Sources: sourceOptions(), Charts: fetchChart, Timeout: beadTimeout,
	}, nil
}

// sourceOptions say how Beads are fetched that are elsewhere.
func sourceOptions() source.Options {
	home, _ := os.UserHomeDir() // without one, no path begins with ~
	return source.Options{
		Library: library.FS(), Home: home,
		Git: source.Credentials{
			Host: os.Getenv("BACKSTACK_GIT_HOST"), Username: os.Getenv("BACKSTACK_GIT_USERNAME"),
			Token: os.Getenv("BACKSTACK_GIT_TOKEN"),
		},
	}
}

func fetchChart(ctx context.Context, chart bead.ChartReference) (map[string][]byte, error) {
	return helm.Fetch(ctx, chart.Repository, chart.Name, chart.Version)
}

// completeBeads completes the names of the library's Beads.
func completeBeads(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, err := beads.Library(library.FS())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names := make([]string, len(all))
	for i, each := range all {
		names[i] = each.Metadata.Name + "\t" + each.Spec.Description
	}
	return names, cobra.ShellCompDirectiveDefault // a path is as good
}

// completeInstalledBeads completes the names of the Beads on the hub.
func (a *app) completeInstalledBeads(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(c.Context(), 2*time.Second)
	defer cancel()
	_, opened, err := a.openBeads(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	list, err := opened.List(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var names []string
	for _, entry := range list {
		if entry.Installed {
			names = append(names, entry.Name+"\t"+entry.Description)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// oneArg refuses anything but one argument; what names it in the error.
func oneArg(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" {
			return &usageError{fmt.Errorf("%s takes %s, got %q: `%s --help` has examples", c.CommandPath(), what,
				strings.Join(args, " "), c.CommandPath())}
		}
		return nil
	}
}
