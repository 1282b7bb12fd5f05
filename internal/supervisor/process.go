package supervisor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Process is a program to keep running, and how.
//
// Two processes are the same if all their fields are: Apply restarts one whose fields differ. A program that reads a
// file only when it starts can be made to follow the file by having the file's hash among its arguments or environment.
type Process struct {
	// Name is unique among the processes of a supervisor, for example "kube-apiserver". It names the log file too.
	Name string `json:"name"`
	// Path is the absolute path of the executable.
	Path string `json:"path"`
	// Args are the arguments without the program's name. Other users of the machine can read them: no credentials.
	Args []string `json:"args,omitempty"`
	// Env is the whole environment as KEY=VALUE; nothing is inherited.
	Env []string `json:"env,omitempty"`
	// Dir is the absolute path of the working directory; the supervisor's folder if empty.
	Dir string `json:"dir,omitempty"`
	// After names processes that must be ready before this one is started. One that is restarted later does not restart
	// this one.
	After []string `json:"after,omitempty"`
	// Ready tells when the process does its work. Without it, a process is ready as soon as it runs.
	Ready *Probe `json:"ready,omitempty"`
	// Oneshot is for a process that ends: it is ready when it has exited with 0, and is not started again then. One
	// that fails is.
	Oneshot bool `json:"oneshot,omitempty"`
	// StopSignal asks the process to end; SIGTERM if zero. It goes to the process alone, not to its children.
	StopSignal syscall.Signal `json:"stopSignal,omitempty"`
	// StopTimeout is how long the process may take to end; 10 seconds if zero. Then it is killed. What is left of its
	// process group is killed in any case.
	StopTimeout time.Duration `json:"stopTimeout,omitempty"`
}

const defaultStopTimeout = 10 * time.Second

// reservedName is the supervisor's own: its log lies among those of its processes.
const reservedName = "supervisor"

// A process's name is a file's name in the log folder, and "name.log.1" is a rotated log.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,98}[a-z0-9])?$`)

func (p Process) stopSignal() syscall.Signal {
	if p.StopSignal == 0 {
		return syscall.SIGTERM
	}
	return p.StopSignal
}

func (p Process) stopTimeout() time.Duration {
	if p.StopTimeout <= 0 {
		return defaultStopTimeout
	}
	return p.StopTimeout
}

// equal compares by the stored form, in which an absent list and an empty one are the same.
func (p Process) equal(q Process) bool {
	left, errLeft := json.Marshal(p)
	right, errRight := json.Marshal(q)
	return errLeft == nil && errRight == nil && bytes.Equal(left, right)
}

// validate finds all faults of a list of processes.
func validate(list []Process) error {
	byName := make(map[string]Process, len(list))
	var faults []error
	for _, p := range list {
		if _, twice := byName[p.Name]; twice {
			faults = append(faults, fmt.Errorf("process %q: want a unique name, it is there twice", p.Name))
		}
		byName[p.Name] = p
	}
	for _, p := range list {
		for _, fault := range p.faults(byName) {
			faults = append(faults, fmt.Errorf("process %q: %w", p.Name, fault))
		}
	}
	if len(faults) == 0 {
		if circle := findCircle(list); circle != nil {
			faults = append(faults, fmt.Errorf("processes %s: each is to start after the next, in a circle",
				strings.Join(circle, ", ")))
		}
	}
	return errors.Join(faults...)
}

func (p Process) faults(others map[string]Process) []error {
	var faults []error
	if !validName.MatchString(p.Name) || p.Name == reservedName {
		faults = append(faults, fmt.Errorf("name: want up to 100 of a-z, 0-9 and -, and not %q", reservedName))
	}
	if !filepath.IsAbs(p.Path) {
		faults = append(faults, fmt.Errorf("path %q: want an absolute path", p.Path))
	}
	if p.Dir != "" && !filepath.IsAbs(p.Dir) {
		faults = append(faults, fmt.Errorf("dir %q: want an absolute path", p.Dir))
	}
	for _, name := range p.After {
		if _, known := others[name]; !known {
			faults = append(faults, fmt.Errorf("after %q: want a process of the list", name))
		}
	}
	if p.Ready != nil {
		if p.Oneshot {
			faults = append(faults, errors.New("ready: want none with oneshot, which is ready when it has ended"))
		}
		if err := p.Ready.validate(); err != nil {
			faults = append(faults, fmt.Errorf("ready: %w", err))
		}
	}
	return faults
}

// findCircle returns the names of processes that wait for each other, or nil. Every name in After must be known.
func findCircle(list []Process) []string {
	after := make(map[string][]string, len(list))
	for _, p := range list {
		after[p.Name] = p.After
	}
	finished := make(map[string]bool, len(list))
	var visit func(path []string, name string) []string
	visit = func(path []string, name string) []string {
		for i, seen := range path {
			if seen == name {
				return path[i:]
			}
		}
		if finished[name] {
			return nil
		}
		for _, next := range after[name] {
			if circle := visit(append(path, name), next); circle != nil {
				return circle
			}
		}
		finished[name] = true
		return nil
	}
	for _, p := range list {
		if circle := visit(nil, p.Name); circle != nil {
			return circle
		}
	}
	return nil
}
