//go:build bench

// Package bench measures a hub as a person sees it, everything in one run on one machine, and prints it beside what the
// project aims for. Nothing fails because it is slow: other machines, and busy ones, have other figures.
package bench

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// machine is where the hubs are. TestMain sets it before anything is measured.
var machine *hubtest.Machine

func TestMain(m *testing.M) {
	os.Exit(hubtest.Main(func(made *hubtest.Machine) { machine = made }, m.Run))
}

// BenchmarkHub takes a hub from nothing to nothing, once however often it is asked to.
func BenchmarkHub(b *testing.B) {
	var r results
	r.bare = measureBare(b)

	hub := machine.Hub("bench")
	peak := watchMemory(b, hub)
	r.install = timed(func() { hub.Must(b, "install") })
	r.peak = peak()
	r.again = timed(func() { hub.Must(b, "install") })
	r.commit = measureCommits(b, hub)
	r.settled = settle(hub)
	r.uninstall = timed(func() { hub.Must(b, "uninstall") })

	r.version = median(20, func() time.Duration { return timed(func() { machine.Must(b, "version") }) })
	info, err := os.Stat(machine.Command)
	if err != nil {
		b.Fatal(err)
	}
	r.size = info.Size()

	b.ReportMetric(r.install.Seconds(), "install-s")
	b.ReportMetric(r.commit.Seconds(), "commit-s")
	b.ReportMetric(float64(r.settled.PSS)/(1<<20), "settled-MiB")
	if err := r.print(os.Stdout); err != nil {
		b.Fatal(err)
	}
}

func timed(work func()) time.Duration {
	start := time.Now()
	work()
	return time.Since(start)
}

// median measures so many times and returns what lies in the middle.
func median(times int, measure func() time.Duration) time.Duration {
	durations := make([]time.Duration, times)
	for i := range durations {
		durations[i] = measure()
	}
	slices.Sort(durations)
	return durations[times/2]
}

// measureBare makes a control plane alone, from nothing until /readyz answers: what a hub cannot be faster than.
func measureBare(b *testing.B) time.Duration {
	b.Helper()
	cache := cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(os.Getenv("HOME"), ".cache"))
	dir := machine.Hub("bare").Dir()
	bare := embedded.New(embedded.Options{
		Name: "bare", Dir: dir,
		Engine:     engine.Options{CacheDir: filepath.Join(cache, "backstack"), Archive: os.Getenv("BACKSTACK_ENGINE")},
		Supervisor: []string{machine.Command, "engine", "supervise", "--dir=" + dir},
	})
	ctx := hubtest.Patient(b)
	taken := timed(func() {
		if err := bare.Prepare(ctx, report.Discard); err != nil {
			b.Fatal(err)
		}
		if _, err := bare.Ensure(ctx, nil); err != nil {
			b.Fatal(err)
		}
	})
	if err := bare.Delete(ctx); err != nil {
		b.Fatal(err)
	}
	return taken
}

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// measureCommits pushes changes of a ConfigMap to hub.git. What counts is the time from when the push is done to when the
// API has the change.
func measureCommits(b *testing.B, hub *hubtest.Hub) time.Duration {
	b.Helper()
	client := hub.Client(b)
	repository := hub.Clone(b, "hub")
	applied := func(content string) func() {
		repository.Push(b, "Change a ConfigMap", map[string]string{"beads/bench/all.yaml": fmt.Sprintf(bead, content)})
		return func() {
			hubtest.Until(b, client, configMaps, "bead-bench", "bench", hubtest.HasValue(content, "data", "content"))
		}
	}
	applied("first")()
	hub.AwaitHealthy(b)
	count := 0
	return median(5, func() time.Duration {
		count++
		return timed(applied(fmt.Sprint("change ", count)))
	})
}

// bead is what is committed; the ConfigMap's content is to be filled in.
const bead = `apiVersion: v1
kind: Namespace
metadata:
  name: bead-bench
  labels:
    backstack.dev/bead: bench
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: bench
  namespace: bead-bench
  labels:
    backstack.dev/bead: bench
data:
  content: %s
`

// watchMemory looks at the hub's memory every second until the returned function is called, which returns the most that
// was seen.
func watchMemory(b *testing.B, hub *hubtest.Hub) func() hubtest.Memory {
	b.Helper()
	stop, most := make(chan struct{}), make(chan hubtest.Memory)
	go func() {
		var peak hubtest.Memory
		every := time.NewTicker(time.Second)
		defer every.Stop()
		for {
			now := hubtest.MemoryOf(hub.Processes())
			peak = hubtest.Memory{PSS: max(peak.PSS, now.PSS), RSS: max(peak.RSS, now.RSS)}
			select {
			case <-every.C:
			case <-stop:
				most <- peak
				return
			}
		}
	}()
	return func() hubtest.Memory {
		close(stop)
		return <-most
	}
}

// settle returns the hub's memory when nothing has been asked of it for a while.
func settle(hub *hubtest.Hub) hubtest.Memory {
	<-time.After(30 * time.Second)
	return hubtest.MemoryOf(hub.Processes())
}
