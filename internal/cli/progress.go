package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/back-stack/backstack/internal/report"
)

// progressMode is how progress is shown.
type progressMode string

func progressModes() []string { return []string{"auto", "terminal", "plain", "json"} }

// String is the mode's name.
func (m *progressMode) String() string { return string(*m) }

// Set takes one of progressModes.
func (m *progressMode) Set(name string) error {
	if !slices.Contains(progressModes(), name) {
		return fmt.Errorf("want one of %s", strings.Join(progressModes(), ", "))
	}
	*m = progressMode(name)
	return nil
}

// Type is what help calls a mode.
func (m *progressMode) Type() string { return "mode" }

// reporter shows progress on stderr until the returned function is called.
func (a *app) reporter() (report.Reporter, func()) {
	return report.Func(func(e report.Event) {
		fmt.Fprintf(a.streams.Err, "%6.2fs %-16s %-9s %s\n", e.Elapsed.Seconds(), e.Step, e.State, e.Message)
	}), func() {}
}
