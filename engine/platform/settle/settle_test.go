package settle

import (
	"os"
	"runtime/debug"
	"testing"
	"time"
)

func TestFreesWhenMemoryHasGrownSinceTheLastTime(t *testing.T) {
	// What is held at each tick, and how much of it is in use.
	steps := []struct {
		name       string
		held, used uint64
		frees      bool
	}{
		{"after the start", 1000, 160, true},
		{"when nothing has happened", 160, 160, false},
		{"when it has grown a little", 170, 160, false},
		{"when it has grown", 171, 160, true},
		{"when more is in use", 400, 320, true},
		{"when less is in use but nothing was allocated", 320, 16, false},
	}
	ticks := make(chan time.Time, len(steps))
	for range steps {
		ticks <- time.Time{}
	}
	close(ticks)
	step, justFreed := -1, false
	freed := make([]bool, len(steps))
	watch(ticks, func() uint64 {
		if justFreed {
			justFreed = false
			return steps[step].used
		}
		step++
		return steps[step].held
	}, func() { freed[step], justFreed = true, true })
	for i, s := range steps {
		if freed[i] != s.frees {
			t.Errorf("%s, with %d bytes held: freed %t, want %t", s.name, s.held, freed[i], s.frees)
		}
	}
}

func TestMemoryThatIsNotUsedIsNotHeld(t *testing.T) {
	const size = 64 << 20
	before := held()
	garbage := make([]byte, size)
	for i := range garbage {
		garbage[i] = 1
	}
	if grown := held(); grown < before+size {
		t.Fatalf("%d bytes are held with %d more in use than when there were %d", grown, size, before)
	}
	garbage = nil
	debug.FreeOSMemory()
	if after := held(); after >= before+size {
		t.Errorf("%d bytes are held when the garbage is freed: want about %d", after, before)
	}
}

func TestIntervalIsAPositiveDuration(t *testing.T) {
	for value, ok := range map[string]bool{"1h": true, "90s": true, "0s": false, "-1s": false, "30": false, "": false} {
		t.Setenv(Variable, value)
		if err := Start(); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
	if err := os.Unsetenv(Variable); err != nil {
		t.Fatal(err)
	}
	if err := Start(); err != nil {
		t.Errorf("not set: %v", err)
	}
}
