package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Launch is a command that calls Run, to be run in the background.
type Launch struct {
	Dir  string   // the supervisor's folder; made if it is not there
	Path string   // the executable
	Args []string // its arguments, without the program's name
	Env  []string // its whole environment; that of this process if nil
}

// launcherVariable holds the number of a file descriptor: a socket, on which a launched supervisor tells that it can be
// reached, rather than being asked again and again, and which its launcher closes when it lets the supervisor go. There is
// no standby before that, so that a launch can be undone.
const launcherVariable = "SUPERVISOR_LAUNCHER_FD"

// Start launches a supervisor that outlives this process, unless the folder has one already, and returns when it can be
// reached. If ctx ends before, nothing is left running. Processes that the folder's last supervisor had are started
// again; they need not be ready yet.
func Start(ctx context.Context, l Launch) error {
	dir, err := makeFolder(l.Dir)
	if err != nil {
		return err
	}
	for {
		if _, running := Running(dir); !running {
			err := launch(ctx, dir, l)
			if err == nil || ctx.Err() != nil {
				return err
			}
			if _, running := Running(dir); !running {
				return err
			}
			// Another launch was faster.
		}
		reached, err := awaitOther(ctx, dir)
		if reached || err != nil {
			return err
		}
	}
}

func launch(ctx context.Context, dir string, l Launch) error {
	log, err := openLog(LogPath(dir, reservedName))
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	defer func() { _ = log.Close() }()
	before, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	ours, its, err := socketPair()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	defer func() { _ = ours.Close() }()

	inheritNothing()
	environ := l.Env
	if environ == nil {
		environ = os.Environ()
	}
	environ = append(environ[:len(environ):len(environ)], launcherVariable+"=3", markOf(dir, reservedName))
	command := detached(dir, l.Path, l.Args, environ, log)
	command.ExtraFiles = []*os.File{its}
	err = command.Start()
	_ = its.Close()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }() // for as long as this process lives, nobody else can
	if awaitReady(ctx, ours) {
		return nil
	}
	_ = command.Process.Kill() // without having told that it can be reached, it is of no use
	err = <-ended
	if ctx.Err() != nil {
		err = fmt.Errorf("starting the supervisor: %w", context.Cause(ctx))
		if swept := sweepLeft(dir); !isRunning(swept) {
			err = errors.Join(err, swept)
		}
		return err
	}
	return fmt.Errorf("starting the supervisor: it ended with %w: %s", err, written(log.Name(), before))
}

// detached is a command that no terminal and no signal to this process's group reaches.
func detached(dir, path string, args, environ []string, output *os.File) *exec.Cmd {
	command := exec.Command(path, args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = dir, environ, output, output
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return command
}

// socketPair returns the two ends of a connection.
func socketPair() (ours, its *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	return os.NewFile(uintptr(ends[0]), "launched supervisor"), os.NewFile(uintptr(ends[1]), "launcher"), nil
}

// awaitReady returns true when the supervisor tells that it can be reached, and false when it ends or ctx does.
func awaitReady(ctx context.Context, supervisor *os.File) bool {
	defer context.AfterFunc(ctx, func() { _ = supervisor.SetReadDeadline(time.Now()) })()
	_, err := supervisor.Read(make([]byte, 1))
	return err == nil
}

// launcher is the process that launched this one with Start.
type launcher struct {
	announce func()          // tells it that this supervisor can be reached
	released <-chan struct{} // closed when it has let this supervisor go, or there is no such process
}

func launchedBy() launcher {
	released := make(chan struct{})
	fd, err := strconv.Atoi(os.Getenv(launcherVariable))
	if err != nil {
		close(released)
		return launcher{announce: func() {}, released: released}
	}
	_ = os.Unsetenv(launcherVariable)
	file := os.NewFile(uintptr(fd), "launcher")
	go func() {
		_, _ = file.Read(make([]byte, 1)) // it writes nothing
		_ = file.Close()
		close(released)
	}()
	return launcher{announce: func() { _, _ = file.WriteString("\n") }, released: released}
}

// written returns what was written to the file since it had so many bytes, on one line.
func written(path string, since int64) string {
	content, err := os.ReadFile(path)
	if err != nil || int64(len(content)) <= since {
		return "see " + path
	}
	return strings.Join(strings.Fields(string(content[since:])), " ")
}

// awaitOther returns true when the supervisor that holds the lock can be reached, or false when it is gone.
func awaitOther(ctx context.Context, dir string) (bool, error) {
	client := NewClient(dir)
	for pause := probeShortest; ; pause = min(2*pause, probeLongest) {
		err := client.ping(ctx)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, ErrNotRunning):
			return false, nil
		case !errors.Is(err, ErrStopping):
			return false, err
		case !sleep(ctx, pause):
			return false, fmt.Errorf("waiting for the supervisor of %s to end: %w", dir, context.Cause(ctx))
		}
	}
}
