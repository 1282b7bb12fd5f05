package supervisor

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// child is one run of a program.
type child struct {
	process *os.Process
	exited  chan struct{}    // closed when it has ended, with all its descendants
	state   *os.ProcessState // how it ended; read it after exited
	err     error            // what could not be cleaned up after it; read it after exited
}

// startChild runs p, with its output at the end of the log.
func startChild(f *forker, p Process, mark, logPath string) (*child, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer func() { _ = null.Close() }()
	log, err := openLog(logPath)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	process, err := f.start(p.Path, p.Args, &os.ProcAttr{
		Dir:   p.Dir,
		Env:   append(p.Env[:len(p.Env):len(p.Env)], mark),
		Files: []*os.File{null, log, log},
	})
	if err != nil {
		return nil, err
	}
	c := &child{process: process, exited: make(chan struct{})}
	go func() {
		defer close(c.exited)
		c.reap(mark)
	}()
	return c, nil
}

// reap waits for the program's end and ends its descendants. Until it is waited for, the ended program keeps its number
// and that of its process group: so long, the number means no other.
func (c *child) reap(mark string) {
	pid := c.process.Pid
	awaitExit(pid)
	swept := sweep(func(p procStat) bool { return p.group == pid || p.hasMark(mark) })
	state, err := c.process.Wait()
	c.state, c.err = state, errors.Join(swept, err)
}

// awaitExit blocks until the program has ended, and leaves it to be waited for.
func awaitExit(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// terminate asks the program to end and returns when it has, with its descendants. When the timeout has passed or kill
// is closed, it is not asked any more.
func (c *child) terminate(ask syscall.Signal, timeout time.Duration, kill <-chan struct{}) {
	_ = c.process.Signal(ask)
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-c.exited:
		return
	case <-timer.C:
	case <-kill:
	}
	_ = c.process.Kill()
	<-c.exited
}

// exit says how the program ended, for example "exit status 1" or "signal: killed".
func (c *child) exit() string {
	if c.state == nil {
		return c.err.Error()
	}
	return c.state.String()
}

func (c *child) succeeded() bool { return c.state != nil && c.state.Success() }
