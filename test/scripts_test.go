package test

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs what needs no hub. In a script $STATE is where hubs would be, which is not there at the beginning,
// $COMMAND is the path of the command, and $TAKEN is a port on which something else listens. There is no engine, so that
// an install that is not refused for what the script is about is refused for that; one that needs an engine finds where
// the tests have it in $CACHE and $ENGINE.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/scripts",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(machine.Command)+":"+env.Getenv("PATH"))
			env.Setenv("COMMAND", machine.Command)
			env.Setenv("ENGINE", os.Getenv("BACKSTACK_ENGINE"))
			env.Setenv("CACHE", cmp.Or(os.Getenv("XDG_CACHE_HOME"), filepath.Join(os.Getenv("HOME"), ".cache")))
			env.Setenv("STATE", env.WorkDir+"/state")
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			env.Setenv("BACKSTACK_ENGINE", env.WorkDir+"/no-engine.tar.gz")
			return takePort(env)
		},
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
	})
}

// takePort listens on a port for as long as a script runs, and puts its number into $TAKEN.
func takePort(env *testscript.Env) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = listener.Close() })
	env.Setenv("TAKEN", strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	return nil
}

// exits runs a program and wants a certain exit status: `exits 2 backstack install --name Demo`.
func exits(ts *testscript.TestScript, negated bool, args []string) {
	if len(args) < 2 || negated {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARGUMENT...]")
	}
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	if exited := new(exec.ExitError); errors.As(err, &exited) {
		status = exited.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got := fmt.Sprint(status); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}
