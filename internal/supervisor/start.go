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
)

// Launch is a command that calls Run, to be run in the background.
type Launch struct {
	Dir  string   // the supervisor's folder; made if it is not there
	Path string   // the executable
	Args []string // its arguments, without the program's name
	Env  []string // its whole environment; that of this process if nil
}

// readyVariable holds the number of the file descriptor on which a launched supervisor tells that it can be reached. It
// writes there rather than being asked again and again.
const readyVariable = "SUPERVISOR_READY_FD"

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
	ready, tell, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	defer func() { _ = ready.Close() }()

	inheritNothing()
	environ := l.Env
	if environ == nil {
		environ = os.Environ()
	}
	environ = append(environ[:len(environ):len(environ)], readyVariable+"=3")
	command := detached(dir, l.Path, l.Args, environ, log)
	command.ExtraFiles = []*os.File{tell}
	err = command.Start()
	_ = tell.Close()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }() // for as long as this process lives, nobody else can
	if awaitReady(ctx, ready) {
		return nil
	}
	_ = command.Process.Kill() // without having told that it can be reached, it is of no use
	err = <-ended
	if ctx.Err() != nil {
		return fmt.Errorf("starting the supervisor: %w", context.Cause(ctx))
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

// awaitReady returns true when the supervisor tells that it can be reached, and false when it ends or ctx does.
func awaitReady(ctx context.Context, ready *os.File) bool {
	defer context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Now()) })()
	_, err := ready.Read(make([]byte, 1))
	return err == nil
}

// readyFile returns the file on which to tell the process that launched this one with Start that it can be reached, or
// nil if there is none.
func readyFile() *os.File {
	fd, err := strconv.Atoi(os.Getenv(readyVariable))
	if err != nil {
		return nil
	}
	_ = os.Unsetenv(readyVariable)
	return os.NewFile(uintptr(fd), "ready")
}

func announceReady(file *os.File) {
	if file != nil {
		_, _ = file.WriteString("\n")
		_ = file.Close()
	}
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
