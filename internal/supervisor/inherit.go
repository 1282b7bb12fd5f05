package supervisor

import (
	"os"
	"strconv"
	"syscall"
)

// inheritNothing keeps the open files of this process from the programs that it starts from now on. Go's own are kept
// from them anyway; this is about those that this process was started with, such as the lock of a flock(1) around it or
// the pipes of make, which would be held for as long as a supervisor lives.
func inheritNothing() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
