package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// toolRun is one run of a program that helps to build.
type toolRun struct {
	dir   string
	path  string
	args  []string
	env   []string // added to our own environment; the last of equal names counts
	unset []string // names to take out of our own environment
	input string   // what it reads

	// progress, if set, sees each line that the program writes to its standard error, and says whether it understood it.
	// The others are what an error shows.
	progress func(line string) bool
}

// outputLimit is how much of a program's own words an error repeats, from the end of them. A compiler that fails has
// long said why by then.
const outputLimit = 4096

// runTool runs a program to its end and returns what it wrote to its standard output. When the context ends, the
// program and everything that it has started are killed.
func runTool(ctx context.Context, r toolRun) ([]byte, error) {
	cmd := exec.CommandContext(ctx, r.path, r.args...)
	cmd.Dir = r.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(r.unset, name)
	}), r.env...)
	cmd.Stdin = strings.NewReader(r.input)
	var out bytes.Buffer
	cmd.Stdout = &out
	words := &lineWriter{progress: r.progress}
	cmd.Stderr = words

	// A group of its own, for its children to be killed with it; and a death signal, for it not to outlive us when we are
	// killed. That signal is sent when the thread ends that has started the program, so we stay on it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, &toolError{tool: filepath.Base(r.path), words: words.rest(), err: err}
	}
	return out.Bytes(), nil
}

// toolError is a program's failure in its own words.
type toolError struct {
	tool  string
	words string
	err   error
}

func (e *toolError) Error() string {
	if e.words == "" {
		return fmt.Sprintf("%s: %v", e.tool, e.err)
	}
	return fmt.Sprintf("%s: %v: %s", e.tool, e.err, e.words)
}

func (e *toolError) Unwrap() error { return e.err }

// lineWriter cuts what is written to it into lines and keeps the last of those that are not progress. It is used by one
// goroutine at a time.
type lineWriter struct {
	progress func(line string) bool
	partial  []byte
	kept     bytes.Buffer
}

func (w *lineWriter) Write(data []byte) (int, error) {
	w.partial = append(w.partial, data...)
	for {
		line, rest, found := bytes.Cut(w.partial, []byte("\n"))
		if !found {
			return len(data), nil
		}
		w.partial = rest
		w.line(string(line))
	}
}

func (w *lineWriter) line(line string) {
	if w.progress != nil && w.progress(line) {
		return
	}
	w.kept.WriteString(line + "\n")
	if extra := w.kept.Len() - outputLimit; extra > 0 {
		w.kept.Next(extra)
	}
}

// rest returns the kept lines.
func (w *lineWriter) rest() string {
	if len(w.partial) > 0 {
		w.line(string(w.partial))
		w.partial = nil
	}
	return strings.TrimSpace(w.kept.String())
}
