package supervisor

import (
	"os"
	"runtime"
	"syscall"
)

// forker starts programs that die when the supervisor does. The kernel sends their death signal when the thread that
// forked them ends, and Go ends threads as it sees fit: so all forking is done by one goroutine on a thread of its own,
// which lives as long as the supervisor. If it ends early, it takes the programs with it rather than lose hold of them.
type forker struct {
	requests chan forkRequest
}

type forkRequest struct {
	path   string
	args   []string
	attr   *os.ProcAttr
	answer chan<- forkAnswer
}

type forkAnswer struct {
	process *os.Process
	err     error
}

// newForker begins the forking thread. The caller closes the forker when no program that it started is left.
func newForker() *forker {
	f := &forker{requests: make(chan forkRequest)}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for r := range f.requests {
			process, err := os.StartProcess(r.path, r.args, r.attr)
			r.answer <- forkAnswer{process, err}
		}
	}()
	return f
}

func (f *forker) close() { close(f.requests) }

// start runs the program in a process group of its own.
func (f *forker) start(path string, args []string, attr *os.ProcAttr) (*os.Process, error) {
	attr.Sys = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	answer := make(chan forkAnswer)
	f.requests <- forkRequest{path, append([]string{path}, args...), attr, answer}
	a := <-answer
	return a.process, a.err
}
