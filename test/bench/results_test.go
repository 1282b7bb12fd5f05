//go:build bench

package bench

import (
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// results are the figures of one run.
type results struct {
	bare, install, again, commit, uninstall, version time.Duration
	peak, settled                                    hubtest.Memory
	size                                             int64 // of the command, in bytes
}

// print writes a table with what the project aims for on two processors.
func (r results) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, measured, bare, target string) {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", what, measured, bare, target) // Flush returns the error
	}
	duration := func(what string, d time.Duration, target string) {
		row(what, d.Round(time.Millisecond).String(), fmt.Sprintf("%.2f", d.Seconds()/r.bare.Seconds()), target)
	}
	memory := func(what string, m hubtest.Memory, target string) {
		row(what, fmt.Sprintf("%d MiB", m.PSS>>20), fmt.Sprintf("(%d MiB resident)", m.RSS>>20), target)
	}
	row(fmt.Sprintf("on %d processors", runtime.NumCPU()), "measured", "to bare API server", "target")
	duration("bare API server answers /readyz", r.bare, "")
	duration("install until all is Synced and Healthy", r.install, "15s")
	duration("install again on the healthy hub", r.again, "1s")
	duration("commit to applied (median of 5)", r.commit, "2s")
	duration("uninstall", r.uninstall, "3s")
	duration("backstack version (median of 20)", r.version, "50ms")
	memory("memory of the hub, peak of the install", r.peak, "")
	memory("memory of the hub, settled for 30s", r.settled, "1536 MiB")
	row("size of the command", fmt.Sprintf("%.1f MB", float64(r.size)/1e6), "", "130 MB")
	return table.Flush()
}
