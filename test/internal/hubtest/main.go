package hubtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// janitorVariable holds the machine's folder in the environment of the process that cleans up.
const janitorVariable = "HUBTEST_JANITOR"

// Main is the body of a TestMain. It builds the command and its engine, passes a machine to use, runs the tests, and
// removes every hub that they left, which counts as a failure if removing was not enough. It returns the exit status.
//
// A process beside this one does the removing, so that it is done even when the tests are killed or panic.
func Main(use func(*Machine), run func() int) int {
	if root := os.Getenv(janitorVariable); root != "" {
		return cleanUpAfter(machineIn(root))
	}
	// The path is short: those of sockets below it are limited to 107 bytes.
	root, err := os.MkdirTemp("", "bs")
	if err != nil {
		return complain(fmt.Errorf("making a folder for the tests: %w", err))
	}
	machine := machineIn(root)
	release, err := startJanitor(machine)
	if err != nil {
		return complain(errors.Join(err, os.RemoveAll(root)))
	}
	status := 1
	if err := machine.build(context.Background()); err != nil {
		complain(err)
	} else {
		use(machine)
		status = run()
	}
	if err := release(); err != nil {
		return complain(fmt.Errorf("removing what the tests left: %w", err))
	}
	return status
}

func complain(err error) int {
	_, _ = fmt.Fprintln(os.Stderr, err)
	return 1
}

// build makes the command, with the flags of the Makefile so that what both compile is compiled once, and the engine,
// which takes minutes the first time.
func (m *Machine) build(ctx context.Context) error {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	root, err := list.Output()
	if err != nil {
		return fmt.Errorf("looking for the module's folder: %w", err)
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=0",
		"-ldflags=-s -w", "-o", m.Command, "./cmd/backstack")
	build.Dir = strings.TrimSpace(string(root))
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the command: %w\n%s", err, out)
	}
	engine := exec.CommandContext(ctx, m.Command, "engine", "build")
	engine.Env, engine.Stderr = m.Env(), os.Stderr
	if err := engine.Run(); err != nil {
		return fmt.Errorf("building the engine: %w", err)
	}
	return nil
}

// startJanitor starts a process that cleans the machine up when release is called or when this process ends. release
// returns an error if something was left that uninstalling did not remove.
func startJanitor(m *Machine) (release func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting the process that cleans up: %w", err)
	}
	janitor := exec.Command(self)
	janitor.Env = append(m.Env(), janitorVariable+"="+m.Root)
	janitor.Stdout, janitor.Stderr = os.Stderr, os.Stderr
	janitor.SysProcAttr = ownSession()
	stdin, err := janitor.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("starting the process that cleans up: %w", err)
	}
	if err := janitor.Start(); err != nil {
		return nil, fmt.Errorf("starting the process that cleans up: %w", err)
	}
	return func() error { return errors.Join(stdin.Close(), janitor.Wait()) }, nil
}

// cleanUpAfter waits until the process that has the other end of standard input lets go of it, however it ends.
func cleanUpAfter(m *Machine) int {
	_, _ = io.Copy(io.Discard, os.Stdin)
	hubs, err := m.Hubs()
	faults := []error{err}
	for _, name := range hubs {
		uninstall := exec.Command(m.Command, "uninstall", "--hub", name)
		uninstall.Env = m.Env()
		if out, err := uninstall.CombinedOutput(); err != nil {
			faults = append(faults, fmt.Errorf("uninstalling hub %s: %w\n%s", name, err, out))
		}
	}
	for _, process := range ProcessesOf(m.HubsDir()) {
		faults = append(faults, fmt.Errorf("process %d was left: %s", process.PID, process.CommandLine))
		process.Kill()
	}
	faults = append(faults, os.RemoveAll(m.Root))
	if err := errors.Join(faults...); err != nil {
		return complain(err)
	}
	return 0
}
