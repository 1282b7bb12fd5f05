//go:build e2e

package kind

import (
	"context"
	"testing"
	"time"

	"github.com/back-stack/backstack/internal/cluster/kind"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// BenchmarkHub measures a hub on kind, with the components' images on the node, beside a bare kind cluster of the same
// image, as made and ready in the same run: the mean of one before and one after it, for a machine's speed varies.
func BenchmarkHub(b *testing.B) {
	for range b.N {
		before := bareCluster(b)
		hub := machine.Hub("bench")
		file := described(b, hub.Name, nil)
		install := measure(func() { hub.Machine.Must(b, "install", "-f", file) })
		again := measure(func() { hub.Must(b, "install") })
		uninstall := measure(func() { hub.Must(b, "uninstall") })
		bare := (before + bareCluster(b)) / 2
		for name, took := range map[string]time.Duration{
			"bare-s": bare, "install-s": install, "again-s": again, "uninstall-s": uninstall,
		} {
			b.ReportMetric(took.Seconds(), name)
		}
		b.ReportMetric(install.Seconds()/bare.Seconds(), "install/bare")
		b.ReportMetric(again.Seconds()/bare.Seconds(), "again/bare")
	}
	b.ReportMetric(0, "ns/op") // that of the benchmark's own loop says nothing
}

func measure(do func()) time.Duration {
	started := time.Now()
	do()
	return time.Since(started)
}

// bareCluster returns how long a kind cluster takes to be made and to answer.
func bareCluster(b *testing.B) time.Duration {
	b.Helper()
	c := kind.New(kind.Options{Name: "bare", Dir: b.TempDir(), Image: on.NodeImage, Config: []byte(nodeConfig(b))})
	ctx := hubtest.Patient(b)
	if err := c.Prepare(ctx, report.Func(func(report.Event) {})); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Delete(context.WithoutCancel(ctx)); err != nil {
			b.Error(err)
		}
	})
	took := measure(func() {
		if _, err := c.Ensure(ctx, nil); err != nil {
			b.Fatal(err)
		}
	})
	if err := c.Delete(ctx); err != nil {
		b.Fatal(err)
	}
	return took
}
