package supervisor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotRunning says that nothing answers at a folder's socket.
var ErrNotRunning = errors.New("no supervisor is running")

// Client talks to the supervisor of a folder. Its methods may be called concurrently; they return an error that wraps
// ErrNotRunning when there is no supervisor.
type Client struct {
	dir      string
	http     http.Client
	patience time.Duration // with a supervisor that does not answer
}

// NewClient returns a client for the supervisor of dir, which need not be running yet.
func NewClient(dir string) *Client {
	// A connection is not kept for later: the supervisor may be another one then.
	return &Client{dir: dir, patience: answerTimeout, http: http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dir) },
	}}}
}

// Apply makes list the processes that are supervised; see Supervisor.Apply. Once the supervisor has the list, it goes
// on with it even if ctx ends.
func (c *Client) Apply(ctx context.Context, list []Process) error {
	body, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("applying a list of processes: %w", err)
	}
	response, err := c.do(ctx, http.MethodPut, "/v1/processes", body)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Status returns the status of every process, in the order in which they were applied.
func (c *Client) Status(ctx context.Context) ([]Status, error) {
	response, err := c.do(ctx, http.MethodGet, "/v1/status", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	var list []Status
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("reading the status of processes: %w", err)
	}
	return list, nil
}

// Watch yields the status of every process, now and after each change. It ends with an error: that of ctx, or one that
// wraps ErrNotRunning when the supervisor has ended.
func (c *Client) Watch(ctx context.Context) iter.Seq2[[]Status, error] {
	return func(yield func([]Status, error) bool) {
		response, err := c.do(ctx, http.MethodGet, "/v1/watch", nil)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = response.Body.Close() }()
		for decoder := json.NewDecoder(response.Body); ; {
			var list []Status
			if err := decoder.Decode(&list); err != nil {
				yield(nil, fmt.Errorf("watching processes: %w", c.explain(ctx, err)))
				return
			}
			if !yield(list, nil) {
				return
			}
		}
	}
}

// ping returns nil if there is a supervisor that takes requests.
func (c *Client) ping(ctx context.Context) error {
	response, err := c.do(ctx, http.MethodGet, "/v1/ping", nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Restart ends the named process, if it runs, and starts it again. It returns when the old one has ended.
func (c *Client) Restart(ctx context.Context, name string) error {
	response, err := c.do(ctx, http.MethodPost, "/v1/processes/"+url.PathEscape(name)+"/restart", nil)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// Stop stops all processes, those that come after others first, and returns when they and the supervisor are gone. What
// has not ended after grace is killed; with a grace of 0, each process has as long as its StopTimeout. The list of
// processes is kept: the next supervisor of the folder runs them again.
//
// Stop and Kill end also what a supervisor left that was killed itself, so that nobody takes its place.
func (c *Client) Stop(ctx context.Context, grace time.Duration) error {
	return c.end(ctx, "/v1/stop?grace="+url.QueryEscape(grace.String()))
}

// Kill kills all processes at once, and returns when they and the supervisor are gone.
func (c *Client) Kill(ctx context.Context) error { return c.end(ctx, "/v1/kill") }

// end ends the supervisor, and what it or one that was killed has left.
func (c *Client) end(ctx context.Context, path string) error {
	err := c.ask(ctx, path)
	for err == nil || errors.Is(err, ErrNotRunning) {
		swept := sweepLeft(c.dir)
		if !isRunning(swept) {
			return cmp.Or(swept, err)
		}
		// Somebody else was faster to start it again, or ends it too.
		if again := c.ask(ctx, path); !errors.Is(again, ErrNotRunning) {
			err = again
		}
	}
	return err
}

func isRunning(err error) bool {
	_, running := errors.AsType[*RunningError](err)
	return running
}

// ask asks the supervisor to end, and returns when it has. One that cannot be asked is killed.
func (c *Client) ask(ctx context.Context, path string) error {
	patient, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	timer := time.AfterFunc(c.patience, func() { giveUp(errNoAnswer) })
	defer timer.Stop()
	response, err := c.do(patient, http.MethodPost, path, nil)
	if errors.Is(err, errNoAnswer) {
		return sweepSupervisor(c.dir, err)
	}
	if err != nil {
		return err
	}
	timer.Stop()
	defer func() { _ = response.Body.Close() }()
	var answer stopping
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return fmt.Errorf("stopping the supervisor: %w", c.explain(ctx, err))
	}
	// The supervisor has not ended as long as it keeps its answer open, so this is still its number.
	process, err := unix.PidfdOpen(answer.PID, 0)
	if err == nil {
		defer func() { _ = unix.Close(process) }()
	}
	_, _ = io.Copy(io.Discard, response.Body)
	if ctx.Err() != nil {
		return fmt.Errorf("stopping the supervisor: %w", context.Cause(ctx))
	}
	if err == nil && answer.PID != os.Getpid() {
		return awaitPidfd(process, exitTimeout)
	}
	return nil
}

// exitTimeout is how long a supervisor may take to exit when all is done, in milliseconds.
const exitTimeout = 5000

// answerTimeout is how long a supervisor may be there and not answer: it takes over after a pause, and ends what the last
// one left.
const answerTimeout = backoffMost + sweepTimeout*time.Millisecond

// errNoAnswer says that there is a supervisor, or a process that is about to be it, and that it takes too long.
var errNoAnswer = errors.New("it does not answer at " + socketName)

// do sends a request. It returns the answer if that is a success; the caller closes its body. A supervisor that has not
// begun to listen yet is waited for: it may be the standby of one that was killed.
func (c *Client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	begun := time.Now()
	for pause := probeShortest; ; pause = min(2*pause, probeLongest) {
		response, err := c.try(ctx, method, path, body)
		if !errors.Is(err, ErrNotRunning) {
			return response, err
		}
		if !supervising(c.dir) {
			return nil, err
		}
		fault := errNoAnswer
		if time.Since(begun) < c.patience {
			if sleep(ctx, pause) {
				continue
			}
			fault = context.Cause(ctx)
		}
		return nil, fmt.Errorf("reaching the supervisor of %s, which does not listen: %w: see %s",
			c.dir, fault, LogPath(c.dir, reservedName))
	}
}

func (c *Client) try(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://supervisor"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the supervisor of %s: %w", c.dir, c.explain(ctx, err))
	}
	if response.StatusCode < 300 {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusServiceUnavailable {
		return nil, fmt.Errorf("asking the supervisor of %s: %w", c.dir, ErrStopping)
	}
	var refusal failure
	if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil {
		return nil, fmt.Errorf("asking the supervisor of %s: %s", c.dir, response.Status)
	}
	return nil, errors.New(refusal.Error)
}

// explain turns what a connection says when the other side is not there, or no longer, into ErrNotRunning.
func (c *Client) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, sign := range []error{
		os.ErrNotExist, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, sign) {
			return ErrNotRunning
		}
	}
	return err
}
