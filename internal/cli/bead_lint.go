package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest"
	"github.com/back-stack/backstack/beads/library"
	"github.com/back-stack/backstack/beads/lint"
)

// lintFormat is how `bead lint` prints what it found.
type lintFormat string

const (
	lintText  lintFormat = "text"
	lintJSON  lintFormat = "json"
	lintSARIF lintFormat = "sarif"
)

func lintFormats() []string { return []string{string(lintText), string(lintJSON), string(lintSARIF)} }

// String is the format's name.
func (f *lintFormat) String() string { return string(*f) }

// Set takes one of lintFormats.
func (f *lintFormat) Set(name string) error {
	if !slices.Contains(lintFormats(), name) {
		return fmt.Errorf("want one of %s", strings.Join(lintFormats(), ", "))
	}
	*f = lintFormat(name)
	return nil
}

// Type is what help calls a format.
func (f *lintFormat) Type() string { return "format" }

// lintGCPercent is by how much the memory may grow, in percent of what is in use, before garbage is collected.
const lintGCPercent = 400

type beadLintOptions struct {
	format  lintFormat
	schemas string
	rules   bool
}

func newBeadLintCommand(a *app) *cobra.Command {
	o := &beadLintOptions{format: lintText}
	c := &cobra.Command{
		Use:   "lint PATH",
		Short: "Find what is wrong with a Bead, without a hub",
		Long: `Lint reads a Bead and names everything that is wrong with it, each with its file and line: bead.yaml, the YAML
and the templates of its parts, what they refer to each other by, definitions and compositions against the schemas of
what they compose, policies' expressions, software templates, requirements, and what looks like a credential.

Kinds of Kubernetes, of the hub's components and of the Bead itself are known. Those of a provider are checked against
the definitions (CRDs) in the folder that --schemas names.

The exit status is 0 if there is no error, whatever warnings there are; 1 if there is one; 2 if the request is wrong.`,
		Example: `  backstack bead lint ./postgres

  # what is composed, against the definitions of a provider
  backstack bead lint ./gke --schemas ./crds

  # for a code host that shows findings beside the lines
  backstack bead lint ./postgres -o sarif > lint.sarif

  # what it looks for
  backstack bead lint --rules`,
		Args: o.args,
		RunE: func(c *cobra.Command, args []string) error {
			if o.rules {
				return o.printRules(a.streams.Out)
			}
			return o.lint(c.Context(), a.streams.Out, args[0])
		},
	}
	c.Flags().StringVar(&o.schemas, "schemas", "", "a folder with definitions (CRDs) of kinds that the Bead composes")
	c.Flags().BoolVar(&o.rules, "rules", false, "list what is looked for, instead")
	c.Flags().VarP(&o.format, "output", "o", "how the result is printed: text, json or sarif")
	must(c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(lintFormats(), cobra.ShellCompDirectiveNoFileComp)))
	must(c.MarkFlagDirname("schemas"))
	return c
}

// args wants the Bead's folder, unless the rules are asked for.
func (o *beadLintOptions) args(c *cobra.Command, args []string) error {
	if o.rules {
		return noArgs(c, args)
	}
	return oneArg("the Bead's folder")(c, args)
}

func (o *beadLintOptions) lint(ctx context.Context, out io.Writer, path string) error {
	options, err := o.options(path)
	if err != nil {
		return err
	}
	// The schemas that are read stay in use: collecting garbage as often as by default takes a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(lintGCPercent))
	findings, err := lint.Folder(ctx, os.DirFS(path), options)
	if err != nil {
		return fmt.Errorf("linting %s: %w", path, err)
	}
	report := lint.NewReport(filepath.ToSlash(filepath.Clean(path)), findings)
	switch o.format {
	case lintJSON:
		err = report.WriteJSON(out)
	case lintSARIF:
		err = report.WriteSARIF(out, options.Backstack)
	default:
		err = report.WriteText(out)
	}
	if err == nil && report.Errors > 0 {
		err = fmt.Errorf("linting %s: it has faults (%s)", path, strings.TrimPrefix(report.Summary(), report.Bead+": "))
	}
	return err
}

// options are what the Bead is linted against. The error is a wrong request.
func (o *beadLintOptions) options(path string) (lint.Options, error) {
	options := lint.Options{Beads: libraryBead, Tests: readTests, Backstack: strings.TrimPrefix(currentVersion().Version,
		"v")}
	var faults []error
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		faults = append(faults, fmt.Errorf("%s is no folder: want that of a Bead, with a %s", path, bead.FileName))
	}
	if o.schemas != "" {
		if info, err := os.Stat(o.schemas); err != nil || !info.IsDir() {
			faults = append(faults, fmt.Errorf("--schemas %s: want a folder with definitions of kinds", o.schemas))
		}
		options.Schemas = os.DirFS(o.schemas)
	}
	if err := errors.Join(faults...); err != nil {
		return options, &usageError{err}
	}
	return options, nil
}

// libraryBead finds a Bead that ships with backstack.
func libraryBead(name string) (*bead.Folder, bool) {
	folder, err := fs.Sub(library.FS(), name)
	if err != nil {
		return nil, false
	}
	files, err := artifact.ReadFS(folder)
	if err != nil {
		return nil, false
	}
	loaded, err := bead.Load(files)
	return loaded, err == nil
}

func readTests(files bead.Files) error {
	_, err := beadtest.Load(files)
	return err
}

func (o *beadLintOptions) printRules(out io.Writer) error {
	if o.format == lintJSON {
		f := formatJSON
		return f.print(out, lint.Rules(), nil)
	}
	rows := [][]string{{"RULE", "SEVERITY", "WHAT IT FINDS"}}
	for _, rule := range lint.Rules() {
		rows = append(rows, []string{rule.ID, string(rule.Severity), rule.Doc})
	}
	return table(out, rows)
}
