// Package test tests backstack as a person uses it: the real command against real hubs on this machine.
//
// TestHub installs one hub and takes it through its life, in an order in which what a test leaves behind does not
// disturb the next; beside it a second one is interrupted, restarted and removed. The scripts in testdata/scripts need no
// hub. The command and the engine are built first, which takes minutes the first time.
package test

import (
	"os"
	"testing"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// machine is where all tests have their hubs. TestMain sets it before any of them runs.
var machine *hubtest.Machine

func TestMain(m *testing.M) {
	os.Exit(hubtest.Main(func(made *hubtest.Machine) { machine = made }, m.Run))
}
