package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/exec"
)

// creation is kind at work on a cluster. kind takes no context: given up, it works on in the background, and what it
// has made is taken away from it so that it ends.
type creation struct {
	engine engine
	record *record
	node   string

	done    chan struct{} // closed when kind has ended
	err     error         // how kind has ended; to be read when done is closed
	givenUp atomic.Bool

	kubelet string // why the kubelet did not start, if it said so; to be read when done is closed
}

// begin has kind make the cluster, in the background. What was not finished is known from the record, which is there.
func (c *Cluster) begin(e engine, r *record, config *v1alpha4.Cluster, waiting func(string)) (*creation, error) {
	log, err := os.OpenFile(c.logPath(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the log of kind cluster %s: %w", c.options.Name, err)
	}
	making := &creation{engine: e, record: r, node: c.node(), done: make(chan struct{})}
	to := &progress{log: log}
	to.begins = func(step string) {
		if !making.givenUp.Load() {
			waiting(step)
		}
	}
	to.said = making.endIfGivenUp
	to.fails = func() { making.keepJournal(to) }
	library := e.library(to)
	c.mu.Lock()
	c.creation = making
	c.mu.Unlock()
	go func() {
		defer close(making.done)
		err := library.Create(c.options.Name, cluster.CreateWithV1Alpha4Config(config),
			cluster.CreateWithKubeconfigPath(c.Kubeconfig()))
		if err != nil {
			to.write("error: " + describe(err, ""))
		}
		closed := errors.Join(to.err, log.Close())
		if err == nil && closed != nil {
			err = fmt.Errorf("writing %s: %w", c.logPath(), closed)
		}
		making.err = err
	}()
	return making, nil
}

// cleanTimeout bounds what is done for a creation outside of any context that can be waited for.
const cleanTimeout = 10 * time.Second

// endIfGivenUp removes what kind has made since the creation was given up: the command after this one fails, and kind
// ends.
func (m *creation) endIfGivenUp() {
	if !m.givenUp.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
	defer cancel()
	// An error here means only that kind takes longer to end: abort removes the node once more, and returns its errors.
	_ = m.engine.remove(ctx, m.node)
}

// abort ends the creation and removes what was made for it.
func (m *creation) abort(ctx context.Context) error {
	m.givenUp.Store(true)
	err := m.engine.remove(ctx, m.node)
	select {
	case <-m.done:
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("kind has not ended yet: %w", context.Cause(ctx)))
	}
	// What it made after the first removal.
	return m.clean(ctx)
}

// clean removes what is there of an unfinished cluster.
func (m *creation) clean(ctx context.Context) error {
	if err := m.engine.remove(ctx, m.node); err != nil {
		return err
	}
	if m.record.Network == "" {
		return nil
	}
	return m.engine.removeUnusedNetwork(ctx, m.record.Network)
}

// keepJournal adds the kubelet's last words to the log, before kind deletes the node with them.
func (m *creation) keepJournal(to *progress) {
	if m.givenUp.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
	defer cancel()
	journal, err := m.engine.exec(ctx, m.node, "journalctl", "--no-pager", "--lines", "100", "--unit", "kubelet")
	if err != nil {
		to.write("no journal of the kubelet: " + err.Error())
		return
	}
	to.write(string(journal))
	m.kubelet = kubeletFault(string(journal))
}

var kubeletEnds = regexp.MustCompile(`"command failed" err="((?:[^"\\]|\\.)*)"`)

// kubeletFault is why the kubelet last ended, as its journal has it; empty if it did not say.
func kubeletFault(journal string) string {
	matches := kubeletEnds.FindAllStringSubmatch(journal, -1)
	if len(matches) == 0 {
		return ""
	}
	return "the kubelet ends with: " + strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(matches[len(matches)-1][1])
}

// describe says what went wrong in kind, with what the command that failed said about it. why, if known, is better than
// that.
func describe(err error, why string) string {
	text := err.Error()
	if command := exec.RunErrorForError(err); command != nil {
		// The command's arguments fill a screen.
		if before, _, found := strings.Cut(text, "command \""); found {
			text = strings.TrimSuffix(strings.TrimSpace(before), ":")
		}
		if why == "" {
			why = lastFault(string(command.Output))
		}
		if text == "" {
			text = strings.Join(command.Command[:min(2, len(command.Command))], " ")
		}
	}
	if why == "" {
		return text
	}
	return text + ": " + strings.TrimPrefix(why, "docker: ")
}

// lastFault is the line of a command's output that says best why it failed: the last that begins with error, which a
// stack trace may follow, or the last there is.
func lastFault(output string) string {
	fault := lastLine(output)
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(strings.ToLower(line), "error") && !strings.HasSuffix(line, ":") {
			fault = line
		}
	}
	return fault
}
