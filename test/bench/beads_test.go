//go:build bench

package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// manyBeads is how many Beads one hub gets.
const manyBeads = 100

// BenchmarkBeads measures what people do with Beads, on one hub.
func BenchmarkBeads(b *testing.B) {
	hub := machine.Hub("beads")
	hub.Must(b, "install")
	library := filepath.Join("..", "..", "beads", "library")
	var r beadResults

	bead := newBead(b, "one")
	r.add, r.remove = measureAdding(b, hub, bead)
	r.lint = median(5, func() time.Duration {
		return timed(func() { machine.Run(b, "bead", "lint", filepath.Join(library, "gke")).Want(b, 0) })
	})
	r.testThere = timed(func() { hub.Must(b, "bead", "test", filepath.Join(library, "namespace")) })
	r.first, r.last = measureMany(b, hub)
	hub.Must(b, "uninstall")
	// Without another hub beside it, as its author would.
	r.testOwn = timed(func() { machine.Must(b, "bead", "test", filepath.Join(library, "namespace")) })

	b.ReportMetric(r.add.Seconds(), "add-s")
	b.ReportMetric(r.last.Seconds()/r.first.Seconds(), "hundredth/first")
	if err := r.print(os.Stdout); err != nil {
		b.Fatal(err)
	}
}

// newBead makes a Bead with one ConfigMap and returns its folder.
func newBead(b *testing.B, name string) string {
	b.Helper()
	dir := filepath.Join(b.TempDir(), name)
	for file, content := range map[string]string{
		"bead.yaml": "apiVersion: backstack.dev/v1alpha1\nkind: Bead\nmetadata: {name: " + name + "}\n" +
			"spec: {version: 0.1.0, description: One for benchmarks}\n",
		"application/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n",
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}

// measureAdding adds a Bead and removes it again, several times.
func measureAdding(b *testing.B, hub *hubtest.Hub, bead string) (add, remove time.Duration) {
	b.Helper()
	var removals []time.Duration
	add = median(5, func() time.Duration {
		taken := timed(func() { hub.Must(b, "bead", "add", bead) })
		removals = append(removals, timed(func() { hub.Must(b, "bead", "remove", filepath.Base(bead)) }))
		return taken
	})
	next := 0
	return add, median(len(removals), func() time.Duration { next++; return removals[next-1] })
}

// measureMany fills a hub with Beads, and returns what the first ones and the last ones took, each a median of several.
func measureMany(b *testing.B, hub *hubtest.Hub) (first, last time.Duration) {
	b.Helper()
	const several = 5
	count := 0
	add := func() time.Duration {
		count++
		bead := newBead(b, fmt.Sprintf("many-%d", count))
		return timed(func() { hub.Must(b, "bead", "add", bead) })
	}
	first = median(several, add)
	for count < manyBeads-several {
		add()
	}
	return first, median(several, add)
}

// beadResults are what was measured, and next to it what the project aims for.
type beadResults struct {
	add, remove, lint, testThere, testOwn, first, last time.Duration
}

func (r beadResults) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what string, d time.Duration, beside time.Duration, target string) {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%.2f\t%s\n", what, d.Round(time.Millisecond), d.Seconds()/beside.Seconds(), target)
	}
	_, _ = fmt.Fprintln(table, "\nBeads\tmeasured\tto adding one\ttarget") // Flush returns the error
	row("bead add until it is Synced and Healthy (median of 5)", r.add, r.add, "3s")
	row("bead remove until it is gone (median of 5)", r.remove, r.add, "3s")
	row("bead lint of gke (median of 5)", r.lint, r.add, "300ms")
	row("bead test of namespace on a running hub", r.testThere, r.add, "5s")
	row("bead test of namespace on a hub of its own", r.testOwn, r.add, "20s")
	row(fmt.Sprintf("bead add, the first of %d (median of 5)", manyBeads), r.first, r.first, "")
	row(fmt.Sprintf("bead add, the last of %d, to the first (median of 5)", manyBeads), r.last, r.first, "1.5 times the first")
	return table.Flush()
}
