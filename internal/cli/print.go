package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// format is how a command prints data.
type format string

const (
	formatText format = "text"
	formatJSON format = "json"
	formatYAML format = "yaml"
)

func formats() []string { return []string{string(formatText), string(formatJSON), string(formatYAML)} }

// String is the format's name.
func (f *format) String() string { return string(*f) }

// Set takes one of formats.
func (f *format) Set(name string) error {
	if !slices.Contains(formats(), name) {
		return fmt.Errorf("want one of %s", strings.Join(formats(), ", "))
	}
	*f = format(name)
	return nil
}

// Type is what help calls a format.
func (f *format) Type() string { return "format" }

// addOutputFlag adds -o to a command.
func addOutputFlag(c *cobra.Command, f *format) {
	*f = formatText
	c.Flags().VarP(f, "output", "o", "how the result is printed: text, json or yaml")
	must(c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats(), cobra.ShellCompDirectiveNoFileComp)))
}

// print writes data in the format; text writes it for a person.
func (f *format) print(w io.Writer, data any, text func(io.Writer) error) error {
	switch *f {
	case formatJSON:
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(data)
	case formatYAML:
		encoded, err := yaml.Marshal(data)
		if err != nil {
			return fmt.Errorf("encoding the result: %w", err)
		}
		_, err = w.Write(encoded)
		return err
	}
	return text(w)
}

// table writes rows so that their columns line up, between empty ones each with its own. Lines end without spaces.
func table(w io.Writer, rows [][]string) error {
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	var text bytes.Buffer
	writer := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if len(row) > 0 {
			// A column goes on over a row only if that has a cell there, and a tab after it.
			row = append(slices.Clone(row), make([]string, columns-len(row))...)
		}
		_, _ = fmt.Fprintln(writer, strings.Join(row, "\t"))
	}
	_ = writer.Flush() // to memory
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}
