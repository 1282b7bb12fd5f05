package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/cluster/existing"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/internal/supervisor"
)

// Uninstall stops and removes everything of the hub called name: its processes, its data, its credentials. What is
// shared with other hubs, such as the engine, stays, and so does a cluster that backstack did not make. The error is a
// *RefusedError if something would be lost that is outside the cluster, unless force says that it may be.
func (h Home) Uninstall(ctx context.Context, name string, force bool, to report.Reporter) error {
	held, err := acquireLock(h.Dir(name), name, "uninstall")
	if err != nil {
		return err
	}
	defer held.release()
	return runSteps(ctx, []step{{name: "uninstall", run: func(ctx context.Context, s *report.Step) (string, error) {
		description, err := h.describedOrFound(name)
		if err != nil {
			return "", err
		}
		place, err := h.newPlace(description, placeOptions{removing: true, force: force, waiting: s.Wait})
		if err != nil {
			return "", err
		}
		err = place.Delete(ctx)
		if used := new(existing.InUseError); errors.As(err, &used) {
			return "", &RefusedError{err}
		}
		if err != nil {
			return "", err
		}
		if err := os.RemoveAll(h.Dir(name)); err != nil {
			return "", fmt.Errorf("removing the files of hub %s: %w", name, err)
		}
		// The folders above are removed when the last hub is gone; one that is not empty stays.
		_ = os.Remove(h.Dir(""))
		_ = os.Remove(h.State)
		message := "removed hub " + name
		if place.existing != nil {
			for _, left := range place.existing.Left() {
				message += "; left " + left
			}
		}
		return message, nil
	}}}, to)
}

// Start runs the processes of a stopped embedded hub again, with the data that it had.
func (h Home) Start(ctx context.Context, name string, command []string, timeout time.Duration, to report.Reporter) error {
	if err := h.checkProcesses(name); err != nil {
		return err
	}
	held, err := acquireLock(h.Dir(name), name, "engine start")
	if err != nil {
		return err
	}
	defer held.release()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("not done after %s", timeout))
	defer cancel()
	return runSteps(ctx, []step{{name: "start", run: func(ctx context.Context, s *report.Step) (string, error) {
		c := embedded.New(embedded.Options{Name: name, Dir: h.Dir(name), Supervisor: command})
		if !c.Installed() {
			return "", &RequestError{fmt.Errorf("hub %s was not installed to its end: run `backstack install` again", name)}
		}
		if err := c.Start(ctx, s.Wait); err != nil {
			var late *supervisor.NotReadyError
			if errors.As(err, &late) {
				return "", &UnhealthyError{Err: err}
			}
			return "", err
		}
		return "hub " + name + " runs", nil
	}}}, to)
}

// stopGrace is how long the processes of a hub have to end by themselves.
const stopGrace = 10 * time.Second

// Stop ends the processes of an embedded hub in order and keeps its data.
func (h Home) Stop(ctx context.Context, name string, to report.Reporter) error {
	if err := h.checkProcesses(name); err != nil {
		return err
	}
	held, err := acquireLock(h.Dir(name), name, "engine stop")
	if err != nil {
		return err
	}
	defer held.release()
	return runSteps(ctx, []step{{name: "stop", run: func(ctx context.Context, _ *report.Step) (string, error) {
		c := embedded.New(embedded.Options{Name: name, Dir: h.Dir(name)})
		return "hub " + name + " is stopped", c.Stop(ctx, stopGrace)
	}}}, to)
}

// Log returns the last lines of the log of a program of the hub called name, and the log's path. The error is a
// *RequestError if there is no such program.
func (h Home) Log(name, program string, lines int) (tail []string, path string, err error) {
	if err := h.checkProcesses(name); err != nil {
		return nil, "", err
	}
	dir := embedded.Layout{Root: h.Dir(name)}.Supervisor()
	if program != "supervisor" && embedded.ComponentOf(program) == "" {
		return nil, "", &RequestError{fmt.Errorf("there is no program %q: `backstack status -o json` lists them", program)}
	}
	tail, err = supervisor.TailLog(dir, program, lines)
	return tail, supervisor.LogPath(dir, program), err
}

// checkProcesses refuses what is about the processes of an embedded hub on another.
func (h Home) checkProcesses(name string) error {
	description, err := h.describedOrFound(name)
	if err != nil || !description.Spec.Provider.Pods() {
		return err
	}
	return &RequestError{fmt.Errorf("hub %s has no processes on this machine: with provider %s its components are pods, which "+
		"`backstack status` and `kubectl --kubeconfig \"$(backstack outputs kubeconfig)\"` look into", name, description.Spec.Provider)}
}
