package supervisor

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The tests supervise real processes: this test binary, run again in one of these roles. What a process does it tells
// the test through a datagram socket, so that the test waits for it and needs no clock.
const (
	roleVariable = "SUPERVISOR_TEST_ROLE"
	nameVariable = "SUPERVISOR_TEST_NAME"
	tellVariable = "SUPERVISOR_TEST_JOURNAL"
)

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	os.Exit(play(role, os.Args[1:]))
}

func play(role string, args []string) int {
	terminated := make(chan os.Signal, 1)
	if role != "supervisor" {
		signal.Notify(terminated, syscall.SIGTERM)
	}
	switch role {
	case "sleeper": // ends when asked to; answers on a Unix socket if it is given one
		tell("runs")
		if len(args) > 0 && answerOn(args[0]) != nil {
			return 1
		}
		<-terminated
		tell("ends")
	case "stubborn": // does not
		signal.Ignore(syscall.SIGTERM)
		tell("runs")
		select {}
	case "crasher":
		fmt.Println("about to crash")
		tell("runs")
		return 3
	case "printer": // writes its second argument as often as its first says, and the fourth when asked to go on
		printTimes(args[0], args[1])
		tell("runs")
		<-terminated
		if len(args) > 2 {
			printTimes(args[2], args[3])
			tell("wrote")
			<-terminated
		}
	case "parent": // has a child that outlives it, and that may leave the process group or lose the environment
		child := exec.Command(os.Args[0])
		child.Env = []string{roleVariable + "=stubborn", nameVariable + "=child", tellVariable + "=" + os.Getenv(tellVariable)}
		if args[0] != "forget" {
			child.Env = append(os.Environ(), child.Env...)
		}
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: args[0] == "escape"}
		if err := child.Start(); err != nil {
			return 1
		}
		tell("runs")
		<-terminated
	case "flaky": // fails until its file has as many lines as its second argument says
		return flaky(args[0], args[1])
	case "server":
		return serveReadiness(args, terminated)
	case "supervisor":
		if err := Run(context.Background(), Options{Dir: args[0]}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return 0
}

// tell sends one event of this process to the test.
func tell(event string) {
	path := os.Getenv(tellVariable)
	if path == "" {
		return
	}
	conn, err := net.Dial("unixgram", path)
	if err != nil {
		return // the test is over
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "%s %s %d", os.Getenv(nameVariable), event, os.Getpid())
}

func answerOn(socket string) error {
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) }()
	return nil
}

func printTimes(times, text string) {
	n, _ := strconv.Atoi(times)
	for range n {
		fmt.Println(text)
	}
}

func flaky(path, want string) int {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return 1
	}
	_, _ = file.WriteString("run\n")
	content, _ := os.ReadFile(path)
	if strconv.Itoa(bytes.Count(content, []byte("\n"))) == want {
		return 0
	}
	return 7
}

// serveReadiness is a program that takes its time to be ready: it answers 500 to as many requests as its fourth
// argument says. The others are a Unix socket, a certificate and a key.
func serveReadiness(args []string, terminated <-chan os.Signal) int {
	listener, err := net.Listen("unix", args[0])
	if err != nil {
		return 1
	}
	pair, err := tls.LoadX509KeyPair(args[1], args[2])
	if err != nil {
		return 1
	}
	failures, _ := strconv.Atoi(args[3])
	tell("runs")
	secure := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}})
	go func() {
		_ = http.Serve(secure, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if failures > 0 {
				failures--
				http.Error(w, "still loading", http.StatusInternalServerError)
				return
			}
			tell("answers")
		}))
	}()
	<-terminated
	return 0
}

// journal receives what processes tell.
type journal struct {
	path   string
	events chan string
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	j := &journal{path: filepath.Join(dir, "socket"), events: make(chan string, 1000)}
	conn, err := net.ListenPacket("unixgram", j.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 256)
		for {
			n, _, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			j.events <- string(buffer[:n])
		}
	}()
	return j
}

// next returns the next event, for example "etcd runs", and the number of the process that told it.
func (j *journal) next(t *testing.T) (event string, pid int) {
	t.Helper()
	select {
	case line := <-j.events:
		i := strings.LastIndexByte(line, ' ')
		pid, err := strconv.Atoi(line[i+1:])
		if err != nil {
			t.Fatal(err)
		}
		return line[:i], pid
	case <-time.After(patience):
		t.Fatal("no process told anything")
		return "", 0
	}
}

// await skips events until the wanted one, and returns who told it.
func (j *journal) await(t *testing.T, want string) (pid int) {
	t.Helper()
	for {
		if event, pid := j.next(t); event == want {
			return pid
		}
	}
}

// expect takes the wanted events, which must be the next ones, and returns who told the last.
func (j *journal) expect(t *testing.T, want ...string) (pid int) {
	t.Helper()
	for _, w := range want {
		var got string
		if got, pid = j.next(t); got != w {
			t.Fatalf("next event: got %q, want %q", got, w)
		}
	}
	return pid
}

// process returns a process in the given role that tells the journal.
func (j *journal) process(name, role string, args ...string) Process {
	return Process{Name: name, Path: testBinary(), Args: args, Env: []string{
		roleVariable + "=" + role, nameVariable + "=" + name, tellVariable + "=" + j.path,
	}}
}

// answering returns a process that tells that it runs before it is ready.
func (j *journal) answering(name string) Process {
	socket := filepath.Join(filepath.Dir(j.path), name)
	p := j.process(name, "sleeper", socket)
	p.Ready = &Probe{URL: "http://localhost", Socket: socket}
	return p
}

func (p Process) after(names ...string) Process {
	p.After = names
	return p
}

func testBinary() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// patience is how long a test waits for what should come at once.
const patience = 30 * time.Second

// supervise runs a supervisor within the test.
func supervise(t *testing.T, dir string, background ...Background) *Client {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reachable, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if err := run(ctx, Options{Dir: dir, Background: background}, nil, nil, func() { close(reachable) }); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		_ = NewClient(dir).Kill(context.Background()) // what is left: nobody waits for stubborn ones
		cancel()
		<-ended
	})
	select {
	case <-reachable:
	case <-ended:
		t.FailNow()
	}
	return NewClient(dir)
}

// launchSupervisor runs a supervisor in a process of its own.
func launchSupervisor(t *testing.T, dir string) (client *Client, pid int) {
	t.Helper()
	if err := Start(within(t), launchOf(dir)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = NewClient(dir).Kill(context.Background()) })
	pid, running := Running(dir)
	if !running {
		t.Fatal("a started supervisor is not running")
	}
	return NewClient(dir), pid
}

func launchOf(dir string) Launch {
	return Launch{Dir: dir, Path: testBinary(), Args: []string{dir}, Env: []string{roleVariable + "=supervisor"}}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func apply(t *testing.T, c *Client, list ...Process) {
	t.Helper()
	if err := c.Apply(within(t), list); err != nil {
		t.Fatal(err)
	}
}

func untilReady(t *testing.T, c *Client, names ...string) {
	t.Helper()
	if err := c.Wait(within(t), nil, names...); err != nil {
		t.Fatal(err)
	}
}

// awaitStatus returns the first status of the process for which ok is true.
func awaitStatus(t *testing.T, c *Client, name string, ok func(Status) bool) Status {
	t.Helper()
	var last Status
	for list, err := range c.Watch(within(t)) {
		if err != nil {
			t.Fatalf("%s: last status %+v: %v", name, last, err)
		}
		for _, s := range list {
			if s.Name != name {
				continue
			}
			if last = s; ok(s) {
				return s
			}
		}
	}
	t.Fatal("watching ended")
	return last
}

func statusOf(t *testing.T, c *Client, name string) Status {
	t.Helper()
	return awaitStatus(t, c, name, func(Status) bool { return true })
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// awaitGone returns when the process has ended.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := awaitPidfd(fd, int(patience.Milliseconds())); err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
}

// alive tells whether the process runs now.
func alive(pid int) bool {
	p, err := readProcStat(pid)
	return err == nil && !p.ended
}
