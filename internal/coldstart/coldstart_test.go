package coldstart

import (
	"runtime/debug"
	"testing"
)

func TestTheCollectorRunsAgainWhenInitializationIsDone(t *testing.T) {
	if usual != 0 && percent() != -1 {
		t.Errorf("the collector runs at %d%% during initialization: want it not to", percent())
	}
	before := percent()
	defer debug.SetGCPercent(before)
	usual = 100
	Done()
	if got := percent(); got != 100 {
		t.Errorf("the collector runs at %d%% afterwards: want 100%%", got)
	}
}

func percent() int {
	now := debug.SetGCPercent(-1)
	debug.SetGCPercent(now)
	return now
}
