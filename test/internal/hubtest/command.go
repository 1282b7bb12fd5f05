package hubtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Result is how a command ended.
type Result struct {
	Args   []string
	Stdout string // data
	Stderr string // progress and errors
	Status int    // -1 if a signal ended it
}

// Run runs the command to its end.
func (m *Machine) Run(t testing.TB, args ...string) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.Command(m.Command, args...)
	command.Env, command.Stdout, command.Stderr = m.Env(), &stdout, &stderr
	err := command.Run()
	if exited := new(exec.ExitError); err != nil && !errors.As(err, &exited) {
		t.Fatalf("running backstack %s: %v", strings.Join(args, " "), err)
	}
	return Result{Args: args, Stdout: stdout.String(), Stderr: stderr.String(), Status: command.ProcessState.ExitCode()}
}

// Must runs the command and returns its output; a test that it fails in is over.
func (m *Machine) Must(t testing.TB, args ...string) string {
	t.Helper()
	return m.Run(t, args...).Want(t, 0).Stdout
}

// Want ends the test unless the command ended with the status.
func (r Result) Want(t testing.TB, status int) Result {
	t.Helper()
	if r.Status != status {
		t.Fatalf("backstack %s: exit status %d, want %d\n%s%s", strings.Join(r.Args, " "), r.Status, status, r.Stdout, r.Stderr)
	}
	return r
}

// Event is a line of progress, as `--progress=json` prints it.
type Event struct {
	Step    string  `json:"step"`
	State   string  `json:"state"`
	Message string  `json:"message"`
	Elapsed float64 `json:"elapsed"` // seconds since the step started
}

// Running is a command that is under way.
type Running struct {
	PID int

	args    []string
	command *exec.Cmd
	events  chan Event
	mu      sync.Mutex
	stderr  strings.Builder
	stdout  bytes.Buffer
}

// Start begins a command that reports its progress. It is killed at the end of the test if it still runs then.
func (m *Machine) Start(t testing.TB, args ...string) *Running {
	t.Helper()
	args = append(args, "--progress=json")
	r := &Running{args: args, command: exec.Command(m.Command, args...), events: make(chan Event, 1000)}
	r.command.Env, r.command.Stdout = m.Env(), &r.stdout
	pipe, err := r.command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.command.Start(); err != nil {
		t.Fatalf("starting backstack %s: %v", strings.Join(args, " "), err)
	}
	r.PID = r.command.Process.Pid
	t.Cleanup(func() { _ = r.command.Process.Kill() })
	go r.read(pipe)
	return r
}

// read takes events apart from other lines until the command ends.
func (r *Running) read(pipe io.Reader) {
	defer close(r.events)
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event Event
		if err := json.Unmarshal(lines.Bytes(), &event); err == nil && event.Step != "" {
			r.events <- event
			continue
		}
		r.mu.Lock()
		r.stderr.WriteString(lines.Text() + "\n")
		r.mu.Unlock()
	}
}

// Await returns true at the first event of a step in one of the states, and false if the command ends without it.
func (r *Running) Await(step string, states ...string) bool {
	for event := range r.events {
		for _, state := range states {
			if event.Step == step && event.State == state {
				return true
			}
		}
	}
	return false
}

// Events yields the events that have not been waited for, until the command ends.
func (r *Running) Events() <-chan Event { return r.events }

// Signal sends the command a signal.
func (r *Running) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := r.command.Process.Signal(signal); err != nil {
		t.Fatalf("sending %s to backstack %s: %v", signal, strings.Join(r.args, " "), err)
	}
}

// Wait returns how the command ended.
func (r *Running) Wait() Result {
	for range r.events {
		// until the pipe is closed
	}
	_ = r.command.Wait() // the status says it
	r.mu.Lock()
	defer r.mu.Unlock()
	return Result{
		Args: r.args, Stdout: r.stdout.String(), Stderr: r.stderr.String(), Status: r.command.ProcessState.ExitCode(),
	}
}
