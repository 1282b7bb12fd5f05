package engine

import (
	"bufio"
	"math"
	"os"
	"strconv"
	"strings"
)

// jobMemory is what one compiler or linker is given, in bytes. The largest packages and programs take about this much.
const jobMemory = 2 << 30

// parallelism says how many jobs each of some builds may have, and how many of the builds may run at once, within the
// machine's processors and memory. Two builds may have more jobs together than there are processors: one of them often
// waits for a single large package or for its linker.
func parallelism(processors int, memory uint64, builds int) (jobs, atOnce int) {
	slots := int(min(memory/jobMemory, math.MaxInt32))
	atOnce = max(1, min(builds, slots))
	return max(1, min(processors, slots/atOnce)), atOnce
}

// availableMemory is what the machine or this control group has left, in bytes; the most there can be if neither says.
func availableMemory() uint64 {
	memory := uint64(math.MaxUint64)
	if info, err := os.Open("/proc/meminfo"); err == nil {
		defer func() { _ = info.Close() }()
		for lines := bufio.NewScanner(info); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			if len(fields) >= 2 && fields[0] == "MemAvailable:" {
				if kib, err := strconv.ParseUint(fields[1], 10, 64); err == nil {
					memory = kib << 10
				}
			}
		}
	}
	// In a container this file is there, and says "max" if there is no limit.
	if data, err := os.ReadFile("/sys/fs/cgroup/memory.max"); err == nil {
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64); err == nil {
			memory = min(memory, limit)
		}
	}
	return memory
}
