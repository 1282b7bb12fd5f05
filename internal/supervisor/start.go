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
	command := exec.Command(l.Path, l.Args...)
	command.Dir = dir
	command.Env = l.Env
	if command.Env == nil {
		command.Env = os.Environ()
	}
	command.Env = append(command.Env[:len(command.Env):len(command.Env)], readyVariable+"=3")
	command.Stdout, command.Stderr = log, log
	command.ExtraFiles = []*os.File{tell}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
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

// awaitOther returns true when the supervisor that holds the lock can be reached, or false when it is gone. Between
// taking the lock and listening, and between stopping and releasing it, little happens: this asks again rather than
// have the supervisor tell strangers.
func awaitOther(ctx context.Context, dir string) (bool, error) {
	client := NewClient(dir)
	for pause := probeShortest; ; pause = min(2*pause, probeLongest) {
		err := client.ping(ctx)
		if err == nil {
			return true, nil
		}
		pid, running := Running(dir)
		if !running {
			return false, nil
		}
		if !errors.Is(err, ErrNotRunning) && !errors.Is(err, ErrStopping) {
			return false, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, fmt.Errorf("reaching the supervisor of %s, process %d: %w", dir, pid, context.Cause(ctx))
		}
	}
}
