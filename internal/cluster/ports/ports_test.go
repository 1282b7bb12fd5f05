package ports

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestPortsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ports.json")
	names := []string{"api", "git", "portal"}
	first, err := Choose(path, names, map[string]int{"git": 12345, "api": 0})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Choose(path, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]string{}
	for _, name := range names {
		port := first[name]
		if other, taken := seen[port]; taken {
			t.Errorf("%s and %s have the same port %d", name, other, port)
		}
		seen[port] = name
		if second[name] != port {
			t.Errorf("%s: port %d became %d", name, port, second[name])
		}
		if name != "git" && (port < firstPort || port > lastPort) {
			t.Errorf("%s: port %d, want one from %d to %d", name, port, firstPort, lastPort)
		}
	}
	if first["git"] != 12345 {
		t.Errorf("the port that was asked for is %d, want 12345", first["git"])
	}
}

func TestAPortThatIsAskedForIsTakenFromTheNameItWasChosenFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ports.json")
	names := []string{"api", "git"}
	first, err := Choose(path, names, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Choose(path, names, map[string]int{"git": first["api"]})
	if err != nil {
		t.Fatal(err)
	}
	if second["git"] != first["api"] || second["api"] == first["api"] {
		t.Errorf("asked for git at %d, got %v", first["api"], second)
	}
}

func TestPortsOfAHubThatDoesNotRunAreLeftToIt(t *testing.T) {
	hubs := t.TempDir()
	for _, name := range []string{"stopped", "new"} {
		if err := os.Mkdir(filepath.Join(hubs, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var names []string // so many that some would be the same by chance
	for n := range 400 {
		names = append(names, fmt.Sprint("port-", n))
	}
	stopped, err := Choose(filepath.Join(hubs, "stopped", "ports.json"), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := Choose(filepath.Join(hubs, "new", "ports.json"), names, nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := map[int]string{}
	for name, port := range stopped {
		owner[port] = name
	}
	for name, port := range chosen {
		if other := owner[port]; other != "" {
			t.Errorf("%s has port %d, which is the stopped hub's %s", name, port, other)
		}
	}
}
