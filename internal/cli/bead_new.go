package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/beads/scaffold"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// started is what `bead new` prints.
type started struct {
	Bead  string   `json:"bead"`
	Path  string   `json:"path"`  // of its folder
	Files []string `json:"files"` // with paths from there
}

func newBeadNewCommand(a *app) *cobra.Command {
	var format format
	var request scaffold.Request
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Start a Bead of your own",
		Long: `New makes a folder with a Bead to start from: a small example of each part, with its tests. It can be linted, tested
and added as it is.`,
		Example: `  # with all parts, in ./postgres
  backstack bead new postgres

  # only what people ask for, and its policies
  backstack bead new postgres --with composites,policies

  # elsewhere
  backstack bead new postgres --dir ~/beads/postgres`,
		Args:              oneArg("the name of the new Bead"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			request.Name = args[0]
			dir, files, err := scaffold.Create(request)
			if faults := (strictyaml.Faults{}); errors.As(err, &faults) {
				return &usageError{err}
			}
			if err != nil {
				return err
			}
			result := started{Bead: request.Name, Path: dir, Files: slices.Sorted(maps.Keys(files))}
			return format.print(a.streams.Out, result, func(w io.Writer) error { return printStarted(w, result) })
		},
	}
	c.Flags().StringSliceVar(&request.Parts, "with", nil,
		"the parts to start with: "+strings.Join(scaffold.Parts(), ", ")+" (default all)")
	c.Flags().StringVar(&request.Dir, "dir", "", "the folder to make (default NAME)")
	must(c.RegisterFlagCompletionFunc("with", cobra.FixedCompletions(scaffold.Parts(), cobra.ShellCompDirectiveNoFileComp)))
	must(c.MarkFlagDirname("dir"))
	addOutputFlag(c, &format)
	return c
}

// printStarted says what there is, and what to do with it.
func printStarted(w io.Writer, s started) error {
	path := shortPath(s.Path)
	for _, file := range s.Files {
		if _, err := fmt.Fprintln(w, filepath.Join(path, filepath.FromSlash(file))); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, `
Next:
  backstack bead lint %[1]s    # find what is wrong with it
  backstack bead test %[1]s    # run its tests on a hub of their own
  backstack bead add %[1]s     # put it on the hub
`, argument(path))
	return err
}

// shortPath returns a path from the current folder, if it leads below it.
func shortPath(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(relative) {
		return "." + string(filepath.Separator) + relative
	}
	return path
}

// argument returns a path as a shell takes it.
func argument(path string) string {
	special := func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r) && (r < '0' || '9' < r) && !strings.ContainsRune("-_./", r)
	}
	if !strings.ContainsFunc(path, special) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
