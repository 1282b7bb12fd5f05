package kind

import (
	"context"
	"errors"
	"fmt"
	"os"

	"sigs.k8s.io/kind/pkg/log"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/report"
)

// Ensure makes the cluster, or starts its node if it is stopped, and waits until its API answers. What an earlier run
// has not finished is deleted and made anew.
func (c *Cluster) Ensure(ctx context.Context, waiting func(string)) (bool, error) {
	if waiting == nil {
		waiting = func(string) {}
	}
	if err := c.Abort(ctx); err != nil { // of an earlier call
		return false, err
	}
	record, err := c.readRecord()
	if err != nil {
		return false, err
	}
	e, node, err := c.look(ctx, record)
	if err != nil {
		return false, err
	}
	found := judge(record, node)
	if found == foreign {
		return false, c.foreign(e, record, node)
	}
	if err := c.writeNodeFiles(); err != nil {
		return false, err
	}
	switch found {
	case absent:
		return true, c.create(ctx, e, waiting)
	case broken:
		waiting("deleting what an earlier install left unfinished")
		if err := e.remove(ctx, c.node()); err != nil {
			return false, fmt.Errorf("deleting what is left of kind cluster %s: %w", c.options.Name, err)
		}
		return true, c.create(ctx, e, waiting)
	case stopped:
		return true, c.start(ctx, e, "start", waiting)
	case paused:
		return true, c.start(ctx, e, "unpause", waiting)
	}
	return false, c.await(ctx, e, waiting)
}

// look finds the cluster's container engine and the node on it, which is nil if it is not there.
func (c *Cluster) look(ctx context.Context, r *record) (engine, *container, error) {
	var e engine
	if r != nil {
		e = r.engine()
	} else {
		var err error
		if e, _, err = find(ctx); err != nil {
			return e, nil, err
		}
	}
	node, err := e.inspect(ctx, c.node())
	if err != nil {
		return e, nil, fmt.Errorf("looking for kind cluster %s: %w; %s", c.options.Name, err, e.advice(err))
	}
	return e, node, nil
}

// create makes the cluster.
func (c *Cluster) create(ctx context.Context, e engine, waiting func(string)) error {
	if c.Ports() == (Ports{}) {
		if err := c.choosePorts(); err != nil {
			return err
		}
	}
	config, faults := c.options.config(c.Ports())
	if len(faults) > 0 {
		return errors.Join(faults...)
	}
	if err := c.ensureImage(ctx, e, waiting); err != nil {
		return err
	}
	record, err := c.newRecord(ctx, e)
	if err != nil {
		return err
	}
	// kind would add the cluster to the file that is there, and a lock in it is that of a run that was killed.
	for _, name := range []string{c.Kubeconfig(), c.kubeconfigLock()} {
		if err := removeFile(name); err != nil {
			return fmt.Errorf("removing an old kubeconfig: %w", err)
		}
	}
	making, err := c.begin(e, record, config, waiting)
	if err != nil {
		return err
	}
	select {
	case <-making.done:
	case <-ctx.Done():
		making.givenUp.Store(true)
		return fmt.Errorf("making kind cluster %s: %w", c.options.Name, context.Cause(ctx))
	}
	if making.err != nil {
		return errors.Join(fmt.Errorf("making kind cluster %s: %s; all that was said is in %s", c.options.Name,
			describe(making.err, making.kubelet), c.logPath()), c.Abort(ctx))
	}
	return c.finish(ctx, e, record, waiting)
}

// newRecord notes that the cluster is about to be made.
func (c *Cluster) newRecord(ctx context.Context, e engine) (*record, error) {
	r := &record{Engine: e.program, Made: made{
		Image: c.options.image(), Ports: c.Ports(), PortMappings: c.options.PortMappings, Mounts: c.options.Mounts,
		Config: string(c.options.Config),
	}}
	network := e.networkName()
	found, err := e.hasNetwork(ctx, network)
	if err != nil {
		return nil, fmt.Errorf("looking for the network of kind cluster %s: %w", c.options.Name, err)
	}
	if !found || c.madeByHubs(network) {
		r.Network = network
	}
	return r, c.writeRecord(r)
}

// finish notes that the cluster was made to its end.
func (c *Cluster) finish(ctx context.Context, e engine, r *record, waiting func(string)) error {
	node, err := e.inspect(ctx, c.node())
	if err == nil && node == nil {
		err = errors.New("it is not there any more")
	}
	if err != nil {
		return fmt.Errorf("looking for node %s: %w", c.node(), err)
	}
	api, err := newAPI(c.Kubeconfig())
	if err != nil {
		return err
	}
	if err := c.awaitReady(ctx, e, api, waiting); err != nil {
		return err
	}
	if r.Version, err = api.version(ctx); err != nil {
		return err
	}
	r.Node = node.ID
	if err := c.writeRecord(r); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.creation = nil
	return nil
}

// start has the engine start the node again, or go on with it.
func (c *Cluster) start(ctx context.Context, e engine, command string, waiting func(string)) error {
	waiting("starting node " + c.node())
	if _, err := e.run(ctx, command, c.node()); err != nil {
		return fmt.Errorf("starting node %s: %w", c.node(), err)
	}
	return c.await(ctx, e, waiting)
}

// await waits until the API of a node that runs answers.
func (c *Cluster) await(ctx context.Context, e engine, waiting func(string)) error {
	if err := c.ensureKubeconfig(ctx, e); err != nil {
		return err
	}
	api, err := newAPI(c.Kubeconfig())
	if err != nil {
		return err
	}
	return c.awaitReady(ctx, e, api, waiting)
}

// ensureKubeconfig writes the kubeconfig if it is not there.
func (c *Cluster) ensureKubeconfig(ctx context.Context, e engine) error {
	if _, err := os.Stat(c.Kubeconfig()); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text, err := e.library(log.NoopLogger{}).KubeConfig(c.options.Name, false)
	if err != nil {
		return fmt.Errorf("getting the kubeconfig of kind cluster %s: %s", c.options.Name, describe(err, ""))
	}
	return atomicfile.Write(c.Kubeconfig(), []byte(text), 0o600)
}

// prepareImage gets the node's image ahead of making the cluster, which is bounded, while this may take minutes.
func (c *Cluster) prepareImage(ctx context.Context, to report.Reporter) error {
	record, err := c.readRecord()
	if err != nil {
		return err
	}
	e, node, err := c.look(ctx, record)
	if err != nil || record.finished() && node != nil {
		return err
	}
	image := c.options.image()
	found, err := e.hasImage(ctx, image)
	if err != nil || found {
		return err
	}
	step := report.Start(to, "node image", image)
	if err := c.ensureImage(ctx, e, step.Wait); err != nil {
		step.Fail(err)
		return err
	}
	step.Done("")
	return nil
}

// ensureImage pulls the node's image unless it is there. kind would try five times, and could not be interrupted.
func (c *Cluster) ensureImage(ctx context.Context, e engine, waiting func(string)) error {
	image := c.options.image()
	found, err := e.hasImage(ctx, image)
	if err != nil {
		return fmt.Errorf("looking for the node's image %s: %w", image, err)
	}
	if found {
		return nil
	}
	waiting("pulling " + image)
	if err := e.pull(ctx, image, waiting); err != nil {
		return fmt.Errorf("pulling the node's image %s, which is not on this machine: %w; want in spec.kind.image one that "+
			"a registry has which can be reached from here, or one that `%s images` lists", image, err, e.program)
	}
	return nil
}

// Status says what there is of the cluster. Of an engine that does not answer nothing is known but what was made.
func (c *Cluster) Status(ctx context.Context) (*cluster.Status, error) {
	record, err := c.readRecord()
	if err != nil {
		return nil, err
	}
	if !record.finished() {
		return &cluster.Status{}, nil
	}
	status := &cluster.Status{Exists: true, Version: record.Version, Server: record.Made.server()}
	node, err := record.engine().inspect(ctx, c.node())
	if err != nil {
		return status, ctx.Err()
	}
	switch judge(record, node) {
	case absent, foreign:
		return &cluster.Status{}, nil
	case running:
		status.Running = true
	}
	return status, nil
}
