package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// A program's children may leave its process group, as the git and helm that a server runs commonly do, and they do not
// get the death signal that the program gets. But they inherit its environment, and so the mark in it, by which they
// are found when the program has ended, or by the next supervisor when this one was killed. A supervisor has such a mark
// too, with the name that is reserved for it.
const markVariable = "SUPERVISED_PROCESS"

// markOf returns the environment entry that tells the descendants of a process of the supervisor in dir. Without a name
// it is the beginning that all of dir have in common.
func markOf(dir, name string) string {
	return markVariable + "=" + dir + "//" + name
}

// supervising tells whether a process is there that is the supervisor of dir or is about to be: one that was just started,
// or the standby of one that was killed.
func supervising(dir string) bool {
	if _, running := Running(dir); running {
		return true
	}
	dir, err := resolve(dir)
	if err != nil {
		return false
	}
	mark := markOf(dir, reservedName)
	found, err := find(func(p procStat) bool { return p.hasMark(mark) })
	return err == nil && len(found) > 0
}

// sweepLeft kills what a supervisor of dir that was killed left running: children of its processes, and its standby if
// that has not taken over yet. It returns a *RunningError if a supervisor runs there.
func sweepLeft(dir string) error {
	dir, err := resolve(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lock, err := acquireLock(dir) // so that no standby takes over meanwhile
	if err != nil {
		return fmt.Errorf("ending leftover processes of %s: %w", dir, err)
	}
	defer func() { _ = lock.Close() }()
	return sweep(allOf(dir))
}

// sweepSupervisor kills a supervisor that does not answer with fault, and all else of dir. If it stays, the error says so.
func sweepSupervisor(dir string, fault error) error {
	dir, err := resolve(dir)
	if err != nil {
		return err
	}
	if err := sweep(allOf(dir)); err != nil {
		return err
	}
	if pid, running := Running(dir); running { // it is of another user, or was started in another way
		return fmt.Errorf("%w: end process %d, which is it", fault, pid)
	}
	return nil
}

// allOf matches everything that a supervisor of dir has started, and itself.
func allOf(dir string) func(procStat) bool {
	prefix := []byte(markOf(dir, ""))
	return func(p procStat) bool {
		return p.hasEnv(func(entry []byte) bool { return bytes.HasPrefix(entry, prefix) })
	}
}

const sweepTimeout = 5000 // milliseconds for one killed process to be gone

// sweep kills all other processes that match, and returns when none is left. A process that begins another meanwhile is
// no way out: it looks until it finds nothing, or nothing that can be ended.
func sweep(match func(procStat) bool) error {
	for {
		found, err := find(match)
		if err != nil || len(found) == 0 {
			return err
		}
		var faults []error
		for _, pid := range found {
			if err := end(pid, match); err != nil {
				faults = append(faults, fmt.Errorf("ending process %d: %w", pid, err))
			}
		}
		if len(faults) == len(found) {
			return errors.Join(faults...)
		}
	}
}

// find lists all other processes that match.
func find(match func(procStat) bool) ([]int, error) {
	entries, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(filepath.Base(entry))
		if err == nil && pid != os.Getpid() && matches(pid, match) {
			found = append(found, pid)
		}
	}
	return found, nil
}

func matches(pid int, match func(procStat) bool) bool {
	p, err := readProcStat(pid)
	return err == nil && !p.ended && match(p)
}

// end kills the process and waits until it is gone. It is not our child, so only a pidfd tells of its end.
func end(pid int, match func(procStat) bool) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer func() { _ = unix.Close(fd) }()
	// The number may have gone to another process before it was opened; what it means now cannot change any more.
	if !matches(pid, match) {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	return awaitPidfd(fd, sweepTimeout)
}

// awaitPidfd blocks until the process is gone, for so many milliseconds at most.
func awaitPidfd(fd, timeout int) error {
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(poll, timeout)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return errors.New("it is still there after being killed")
		}
		return nil
	}
}

// procStat is what /proc tells of a process.
type procStat struct {
	pid    int
	parent int
	group  int  // its process group
	ended  bool // it has ended and only waits to be waited for
}

func readProcStat(pid int) (procStat, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}, err
	}
	// The second field is the program's name in parentheses, which may hold anything. State, parent and group follow.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return procStat{}, fmt.Errorf("/proc/%d/stat: want at least 5 fields", pid)
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return procStat{}, err
	}
	group, err := strconv.Atoi(string(fields[2]))
	if err != nil {
		return procStat{}, err
	}
	state := fields[0][0]
	return procStat{pid: pid, parent: parent, group: group, ended: state == 'Z' || state == 'X'}, nil
}

func (p procStat) hasMark(mark string) bool {
	return p.hasEnv(func(entry []byte) bool { return string(entry) == mark })
}

// hasEnv looks at the environment that the process was started with. Those of other users cannot be read.
func (p procStat) hasEnv(match func(entry []byte) bool) bool {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid))
	if err != nil {
		return false
	}
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		if match(entry) {
			return true
		}
	}
	return false
}
