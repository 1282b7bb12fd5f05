// Package ports chooses the loopback ports of a hub. They are chosen once and kept, because kubeconfigs, repositories
// and webhooks hold the addresses.
package ports

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/back-stack/backstack/internal/atomicfile"
)

// Ports are chosen below Linux's range of ephemeral ports (32768 and up by default), so that an outgoing connection
// does not take one while the hub is stopped.
const (
	firstPort = 20000
	lastPort  = 32767
)

// Choose is Plan, and keeps what it returns at path.
func Choose(path string, names []string, asked map[string]int) (map[string]int, error) {
	ports, err := Plan(path, names, asked)
	if err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(ports, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the hub's ports: %w", err)
	}
	return ports, atomicfile.Write(path, append(data, '\n'), 0o600)
}

// Plan returns a port for each of names: the one that was asked for, the one that was chosen before and kept at path, unless
// it is asked for under another name now, or a free one that no other hub beside it has chosen. path is that of the same file
// of another hub but for the hub's folder. A port of 0 was not asked for.
func Plan(path string, names []string, asked map[string]int) (map[string]int, error) {
	kept, err := Kept(path)
	if err != nil {
		return nil, err
	}
	ports, taken := map[string]int{}, map[int]bool{}
	for name, port := range asked {
		if port != 0 {
			ports[name] = port
			taken[port] = true
		}
	}
	for name, port := range kept {
		if ports[name] == 0 && !taken[port] {
			ports[name] = port
			taken[port] = true
		}
	}
	maps.Copy(taken, Others(path))
	for _, name := range names {
		if ports[name] != 0 {
			continue
		}
		port, err := free(taken)
		if err != nil {
			return nil, fmt.Errorf("choosing a port for %s: %w", name, err)
		}
		ports[name] = port
		taken[port] = true
	}
	return ports, nil
}

// Kept returns the ports that were chosen before and are kept at path; none if there is no such file.
func Kept(path string) (map[string]int, error) {
	ports := map[string]int{}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &ports)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the hub's ports: %w; remove %s to have them chosen anew", err, path)
	}
	return ports, nil
}

// Others returns the ports that other hubs have chosen than the one that keeps its own at path. They need not run. What cannot
// be read of theirs is not this hub's concern.
func Others(path string) map[int]bool {
	hub, file := filepath.Dir(path), filepath.Base(path)
	hubs := filepath.Dir(hub)
	entries, _ := os.ReadDir(hubs)
	reserved := map[int]bool{}
	for _, entry := range entries {
		if entry.Name() == filepath.Base(hub) {
			continue
		}
		kept, _ := Kept(filepath.Join(hubs, entry.Name(), file))
		for _, port := range kept {
			reserved[port] = true
		}
	}
	return reserved
}

func free(taken map[int]bool) (int, error) {
	const tries = 1000
	for range tries {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if !taken[port] && Free(port) == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port found between %d and %d", firstPort, lastPort)
}

// Free says why a loopback port cannot be listened on.
func Free(port int) error {
	listener, err := net.Listen("tcp", Address(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// Address is a port of the loopback address, as clients and servers take it.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
