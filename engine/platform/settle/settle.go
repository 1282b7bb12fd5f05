// Package settle gives memory back to the system once a program has done what it was started for. Programs of a control
// plane compute a lot while they start and little afterwards, but Go keeps the memory that starting took: it collects
// garbage when the heap has grown to a multiple of what is in use, and an idle program's heap takes hours to.
package settle

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Variable is the environment variable that says how often a program looks, as in "30s". Without it none does.
const Variable = "SETTLE_EVERY"

// Start looks after the memory of this process, in the background and as often as the environment variable says, until
// the process ends. It is an error if the variable is no positive duration.
func Start() error {
	value, set := os.LookupEnv(Variable)
	if !set {
		return nil
	}
	every, err := time.ParseDuration(value)
	if err != nil || every <= 0 {
		return fmt.Errorf("reading %s: %q is no positive duration: want one such as 30s", Variable, value)
	}
	go watch(time.Tick(every), held, debug.FreeOSMemory)
	return nil
}

// growth is the part by which memory must have grown to be worth a collection: an idle program makes none.
const growth = 16

// watch calls free at every tick by which memory has grown since free was last called, until there are no more ticks.
// Between ticks nothing changes: a program that is busy collects as seldom as its GOGC says.
func watch(ticks <-chan time.Time, held func() uint64, free func()) {
	var settled uint64
	for range ticks {
		if held() <= settled+settled/growth {
			continue
		}
		free()
		settled = held()
	}
}

// held is how many bytes Go has from the system and has not given back.
func held() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
