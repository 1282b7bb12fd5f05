package hubtest

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a running process of a hub.
type Process struct {
	PID         int
	CommandLine string // its arguments, with spaces between
}

// ProcessesOf lists the processes that have something to do with the folder dir: those with a path at or below it among
// their arguments or in their environment. Every process of a hub has, the children that its programs start too.
func ProcessesOf(dir string) []Process {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(entry))
		if err != nil || pid == os.Getpid() {
			continue
		}
		// A process that has ended since, or that belongs to somebody else, has nothing to read and is none of ours.
		arguments, _ := os.ReadFile(filepath.Join(entry, "cmdline"))
		environment, _ := os.ReadFile(filepath.Join(entry, "environ"))
		if mentions(arguments, dir) || mentions(environment, dir) {
			text := strings.TrimSpace(string(bytes.ReplaceAll(arguments, []byte{0}, []byte{' '})))
			found = append(found, Process{PID: pid, CommandLine: text})
		}
	}
	return found
}

// argumentsPause is between two looks at what runs.
const argumentsPause = 20 * time.Millisecond

// WatchArguments collects the command lines of the processes of a hub, those too that run for a moment, until the function
// that it returns is called.
func (h *Hub) WatchArguments() (stop func() []string) {
	ended, result := make(chan struct{}), make(chan []string)
	go func() {
		seen := map[string]bool{}
		for {
			for _, process := range h.Processes() {
				seen[process.CommandLine] = true
			}
			select {
			case <-ended:
				result <- slices.Sorted(maps.Keys(seen))
				return
			case <-time.After(argumentsPause):
			}
		}
	}()
	return func() []string {
		close(ended)
		return <-result
	}
}

// mentions says whether text has the path dir in it, and not just the beginning of a longer name.
func mentions(text []byte, dir string) bool {
	for {
		_, rest, ok := bytes.Cut(text, []byte(dir))
		if !ok {
			return false
		}
		if len(rest) == 0 || bytes.IndexByte([]byte("/\x00 :"), rest[0]) >= 0 {
			return true
		}
		text = rest
	}
}

// supervises tells whether the process is a supervisor or a standby.
func (p Process) supervises() bool { return strings.Contains(p.CommandLine, " engine supervise ") }

// Signal sends the process a signal, if it is still there.
func (p Process) Signal(signal syscall.Signal) { _ = syscall.Kill(p.PID, signal) }

// Kill sends the process SIGKILL.
func (p Process) Kill() { p.Signal(syscall.SIGKILL) }

// ownSession makes a process that signals of the terminal, such as Ctrl-C, do not reach.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
