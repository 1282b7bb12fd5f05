package hubtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what processes occupy, in bytes.
type Memory struct {
	PSS int64 // what several of them share is counted once, in parts
	RSS int64 // what several of them share is counted for each
}

// MemoryOf adds up the memory of processes, as the kernel knows it (proc_pid_smaps_rollup). A process that has ended
// since occupies none.
func MemoryOf(processes []Process) Memory {
	var sum Memory
	for _, process := range processes {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", process.PID))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			if len(fields) != 3 || fields[2] != "kB" {
				continue
			}
			size, _ := strconv.ParseInt(fields[1], 10, 64)
			switch fields[0] {
			case "Pss:":
				sum.PSS += size << 10
			case "Rss:":
				sum.RSS += size << 10
			}
		}
	}
	return sum
}
