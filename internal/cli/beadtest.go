package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads"
	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest"
	"github.com/back-stack/backstack/beads/library"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// testTimeout is how long a test may wait for what it expects. What is right is there within seconds.
const testTimeout = time.Minute

type beadTestOptions struct {
	parameters parameterFlags
	format     testFormat
	run        string
	schemas    string
	timeout    time.Duration
	keep       bool
}

func newBeadTestCommand(a *app) *cobra.Command {
	o := &beadTestOptions{format: testText}
	c := &cobra.Command{
		Use:   "test PATH",
		Short: "Run a Bead's tests on a real hub",
		Long: `Test runs the tests of a Bead, which are in its folder tests/, on a real hub: Crossplane composes, Kyverno
decides, Argo CD applies. Unless --hub names one that runs already, that is a hub of its own: it runs only what the
Bead needs and is removed afterwards. What is brought to a running hub is removed again; a Bead that it has already is
tested as it is there. Tests of software templates need no hub.

Kinds of a provider that does not run on the hub, as on one of its own, have to be given with --schemas.

The exit status is 0 if all tests passed, 1 if one failed, and 2 if the Bead or its tests are written wrongly, or cannot
be run on the hub.`,
		Example: `  backstack bead test ./postgres

  # on a hub that runs, which saves the time to start one
  backstack bead test ./postgres --hub hub

  # kinds of a provider that is not there, so that they can be composed
  backstack bead test ./gke --schemas ./crds

  # some of the tests, for a CI server
  backstack bead test ./postgres --run '^small' -o junit > report.xml`,
		Args: oneArg("the Bead's folder"),
		RunE: func(c *cobra.Command, args []string) error { return o.test(c, a, args[0]) },
	}
	o.parameters.add(c)
	c.Flags().StringVar(&o.run, "run", "", "run only the tests whose names match this regular expression")
	c.Flags().StringVar(&o.schemas, "schemas", "", "a folder with definitions (CRDs) of kinds that the Bead composes")
	c.Flags().DurationVar(&o.timeout, "timeout", testTimeout, "how long each test may wait for what it expects")
	c.Flags().BoolVar(&o.keep, "keep", false, "leave the hub, and what the last test brought to it, to be looked at")
	c.Flags().VarP(&o.format, "output", "o", "how the result is printed: text, json or junit")
	must(c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(testFormats(), cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// errTestsFailed ends a command with tests that failed, which are in what it printed.
var errTestsFailed = errors.New("not all tests passed")

func (o *beadTestOptions) test(c *cobra.Command, a *app, path string) error {
	options, err := o.options(c, a, path)
	if err != nil {
		return err
	}
	reporter, closeReporter := a.reporter(c.Context())
	result, err := beadtest.Run(c.Context(), *options, reporter)
	closeReporter()
	if faulty := new(hub.RequestError); errors.As(err, &faulty) {
		return err
	}
	if result == nil || err != nil && len(result.Tests) == 0 {
		return err
	}
	if printed := o.print(a.streams.Out, result); printed != nil {
		return errors.Join(err, printed)
	}
	if err == nil && result.Failed > 0 {
		return errTestsFailed
	}
	return err
}

// options are what the flags ask for. Everything that is wrong with them is returned at once.
func (o *beadTestOptions) options(c *cobra.Command, a *app, path string) (*beadtest.Options, error) {
	var faults []error
	if o.timeout <= 0 {
		faults = append(faults, fmt.Errorf("--timeout %s: want a positive duration such as 30s", o.timeout))
	}
	only, err := regexp.Compile(o.run)
	if err != nil {
		faults = append(faults, fmt.Errorf("--run: %w", err))
	}
	if info, err := os.Stat(o.schemas); o.schemas != "" && (err != nil || !info.IsDir()) {
		faults = append(faults, fmt.Errorf("--schemas %s: want a folder with definitions of kinds", o.schemas))
	}
	folder, err := readBead(path)
	faults = append(faults, err)
	if err := errors.Join(faults...); err != nil {
		return nil, &usageError{err}
	}
	values, err := o.parameters.values(a.streams.In)
	if err != nil {
		return nil, err
	}
	h, err := home()
	if err != nil {
		return nil, err
	}
	command, err := supervisorCommand()
	if err != nil {
		return nil, err
	}
	options := &beadtest.Options{
		Folder: folder, Values: values, Schemas: o.schemas, Timeout: o.timeout, Keep: o.keep,
		Home: h, Archive: os.Getenv("BACKSTACK_ENGINE"), Supervisor: command, Charts: fetchChart, Deliver: deliver(path),
	}
	if o.run != "" {
		options.Only = only
	}
	// Only the flag counts: that a hub is the one in BACKSTACK_HUB says nothing about testing on it.
	if c.Flags().Changed("hub") {
		options.Hub, err = h.Pick(a.hub)
	}
	return options, err
}

// readBead reads the Bead in a folder.
func readBead(path string) (*bead.Folder, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s is no folder: want that of a Bead, with a %s", path, bead.FileName)
	}
	files, err := artifact.ReadFS(os.DirFS(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return bead.Load(files)
}

// deliver brings the Bead in a folder to a hub as `backstack bead add` does.
func deliver(path string) beadtest.Delivery {
	return func(
		ctx context.Context, on *hub.Access, values map[string]any, dryRun bool, to report.Reporter,
	) ([]string, error) {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		h := &beads.Hub{
			Access: on, Library: library.FS(), Version: strings.TrimPrefix(currentVersion().Version, "v"),
			Sources: sourceOptions(), Charts: fetchChart, Timeout: beadTimeout,
		}
		change, err := h.Add(ctx, beads.Wanted{Source: absolute, Values: values, DryRun: dryRun}, to)
		if change == nil {
			return nil, err
		}
		var changed []string
		for _, file := range change.Files {
			changed = append(changed, file.Path)
		}
		return changed, err
	}
}

// testFormat is how the result of tests is printed.
type testFormat string

const (
	testText  testFormat = "text"
	testJSON  testFormat = "json"
	testJUnit testFormat = "junit"
)

func testFormats() []string { return []string{string(testText), string(testJSON), string(testJUnit)} }

// String is the format's name.
func (f *testFormat) String() string { return string(*f) }

// Set takes one of testFormats.
func (f *testFormat) Set(name string) error {
	if !slices.Contains(testFormats(), name) {
		return fmt.Errorf("want one of %s", strings.Join(testFormats(), ", "))
	}
	*f = testFormat(name)
	return nil
}

// Type is what help calls a format.
func (f *testFormat) Type() string { return "format" }

func (o *beadTestOptions) print(w io.Writer, r *beadtest.Report) error {
	switch o.format {
	case testJSON:
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	case testJUnit:
		return r.JUnit(w)
	}
	return printTests(w, r)
}

// printTests writes a report as test runners do: a line for each test, what failed below it, and the sum.
func printTests(w io.Writer, r *beadtest.Report) error {
	var text strings.Builder
	for _, test := range r.Tests {
		verdict := "ok  "
		if !test.Passed {
			verdict = "FAIL"
		}
		fmt.Fprintf(&text, "%s  %-30s %6.1fs  %s\n", verdict, test.Name, test.Seconds, test.Description)
		for _, failure := range test.Failures {
			text.WriteString("      " + strings.ReplaceAll(failure, "\n", "\n      ") + "\n")
		}
	}
	fmt.Fprintf(&text, "%d passed, %d failed in %.1fs\n", r.Passed, r.Failed, r.Seconds)
	if r.Kept {
		fmt.Fprintf(&text, "Hub %s is kept: `backstack outputs kubeconfig --hub %s` leads to it, `backstack uninstall "+
			"--hub %s` removes it\n", r.Hub, r.Hub, r.Hub)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
