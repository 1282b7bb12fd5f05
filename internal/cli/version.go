package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/back-stack/backstack/charts"
)

// version is set by the build (-X).
var version = ""

type versionInfo struct {
	Version    string            `json:"version"`
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Components map[string]string `json:"components"`
}

func newVersionCommand(a *app) *cobra.Command {
	var format format
	c := &cobra.Command{
		Use:     "version",
		Short:   "Print the version of backstack and of what it installs",
		Example: "  backstack version -o json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			info := currentVersion()
			return format.print(a.streams.Out, info, func(w io.Writer) error {
				rows := [][]string{{"backstack", info.Version}, {"go", info.Go}, {"platform", info.Platform}}
				for _, v := range charts.Versions() {
					rows = append(rows, []string{v.Name, v.Version})
				}
				return table(w, rows)
			})
		},
	}
	addOutputFlag(c, &format)
	return c
}

func currentVersion() versionInfo {
	info := versionInfo{
		Version: version, Go: runtime.Version(), Platform: fmt.Sprintf("%s/%s", runtime.GOOS, runtime.GOARCH),
		Components: map[string]string{},
	}
	if build, ok := debug.ReadBuildInfo(); ok && info.Version == "" {
		info.Version = build.Main.Version
	}
	for _, v := range charts.Versions() {
		info.Components[v.Name] = v.Version
	}
	return info
}
