package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Home is where the hubs of this machine are.
type Home struct {
	State string // $XDG_STATE_HOME/backstack: what a hub cannot do without
	Cache string // $XDG_CACHE_HOME/backstack: what can be made again
}

// Dir is the folder of the hub called name.
func (h Home) Dir(name string) string { return filepath.Join(h.State, "hubs", name) }

// Hubs lists the names of the hubs on this machine, sorted.
func (h Home) Hubs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(h.State, "hubs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &RequestError{fmt.Errorf("listing the hubs of this machine: %w: want a folder that this user can use; "+
			"XDG_STATE_HOME names another", err)}
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Pick returns the hub called name, or the only hub if name is empty. The error is a *RequestError that lists the hubs.
func (h Home) Pick(name string) (string, error) {
	hubs, err := h.Hubs()
	if err != nil {
		return "", err
	}
	switch {
	case slices.Contains(hubs, name):
		return name, nil
	case len(hubs) == 0:
		return "", &RequestError{errors.New("there is no hub on this machine: `backstack install` makes one")}
	case name == "" && len(hubs) == 1:
		return hubs[0], nil
	case name == "":
		return "", &RequestError{fmt.Errorf("there are several hubs: say which with --hub: %s", strings.Join(hubs, ", "))}
	}
	text := fmt.Sprintf("there is no hub %q: want %s", name, strings.Join(hubs, ", "))
	if nearest, ok := strictyaml.Nearest(name, hubs); ok && len(hubs) > 1 {
		text += fmt.Sprintf(" (did you mean %s?)", nearest)
	}
	return "", &RequestError{errors.New(text)}
}
