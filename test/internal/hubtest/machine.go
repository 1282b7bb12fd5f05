// Package hubtest runs the backstack command as a person would, on a machine of its own: a state folder that no other
// hub is in. What it knows of a hub it learns from the command's output, from the hub's API and repositories, and from
// the kernel; it shares no code with what it tests.
package hubtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Machine is a place for hubs that nobody else uses.
type Machine struct {
	Root    string // everything of the machine lies here
	Command string // the path of the command
	State   string // XDG_STATE_HOME
}

func machineIn(root string) *Machine {
	return &Machine{Root: root, Command: filepath.Join(root, "bin", "backstack"), State: filepath.Join(root, "state")}
}

// Hub names a hub on the machine, which need not be there.
func (m *Machine) Hub(name string) *Hub { return &Hub{Machine: m, Name: name} }

// HubsDir is the folder of all hubs of the machine.
func (m *Machine) HubsDir() string { return filepath.Join(m.State, "backstack", "hubs") }

// Hubs lists the hubs that have a folder.
func (m *Machine) Hubs() ([]string, error) {
	entries, err := os.ReadDir(m.HubsDir())
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing the hubs of the test's machine: %w", err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, nil
}

// Env is the environment of commands on the machine: that of the test but for where hubs are and which one is meant.
func (m *Machine) Env() []string {
	env := slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "XDG_STATE_HOME=") || strings.HasPrefix(entry, "BACKSTACK_HUB=")
	})
	return append(env, "XDG_STATE_HOME="+m.State)
}
