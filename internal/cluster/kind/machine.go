package kind

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// machine is what containers run on, as far as Check judges it.
type machine struct {
	engineInfo
	Available uint64 // bytes of memory that a cluster can have
	Local     bool   // whether it is this machine and not a virtual one on it
	Instances int    // fs.inotify.max_user_instances; 0: not known
	Watches   int    // fs.inotify.max_user_watches; 0: not known
}

// inspectMachine adds what only this machine's kernel knows to what an engine said, if both are the same. Elsewhere, as
// with Docker Desktop, the engine has a virtual machine for itself, whose memory is all for containers. proc is /proc.
func inspectMachine(info engineInfo, proc string) (machine, error) {
	m := machine{engineInfo: info, Available: info.Memory}
	release, err := readWord(proc, "sys/kernel/osrelease")
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil // not Linux: there are no containers but in a virtual machine
	}
	if err != nil {
		return m, err
	}
	memory, err := readMeminfo(proc)
	if err != nil {
		return m, err
	}
	if release != info.Kernel || memory["MemTotal"] != info.Memory {
		return m, nil
	}
	m.Local, m.Available = true, memory["MemAvailable"]
	for name, value := range map[string]*int{"max_user_instances": &m.Instances, "max_user_watches": &m.Watches} {
		word, err := readWord(proc, "sys/fs/inotify", name)
		if err != nil {
			return m, err
		}
		if *value, err = strconv.Atoi(word); err != nil {
			return m, fmt.Errorf("reading fs.inotify.%s: %w", name, err)
		}
	}
	return m, nil
}

// readMeminfo reads /proc/meminfo; the values are in bytes.
func readMeminfo(proc string) (map[string]uint64, error) {
	data, err := os.ReadFile(filepath.Join(proc, "meminfo"))
	if err != nil {
		return nil, fmt.Errorf("looking for this machine's memory: %w", err)
	}
	values := map[string]uint64{}
	for line := range strings.Lines(string(data)) {
		name, rest, _ := strings.Cut(line, ":")
		if fields := strings.Fields(rest); len(fields) == 2 && fields[1] == "kB" {
			if value, err := strconv.ParseUint(fields[0], 10, 64); err == nil {
				values[name] = value << 10
			}
		}
	}
	return values, nil
}

func readWord(elem ...string) (string, error) {
	data, err := os.ReadFile(filepath.Join(elem...))
	return strings.TrimSpace(string(data)), err
}
