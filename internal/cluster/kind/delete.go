package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// Abort ends the making of a cluster, if this process has begun with it and has not finished, and removes what was
// made.
func (c *Cluster) Abort(ctx context.Context) error {
	c.mu.Lock()
	making := c.creation
	c.mu.Unlock()
	if making == nil {
		return nil
	}
	if err := making.abort(ctx); err != nil {
		return fmt.Errorf("deleting the unfinished kind cluster %s: %w; running the same command again does that, and so "+
			"does uninstalling the hub", c.options.Name, err)
	}
	if err := errors.Join(removeFile(c.Kubeconfig()), removeFile(c.kubeconfigLock()), c.removeRecord()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.creation = nil
	return nil
}

// Delete deletes the cluster, and the network and the files that were made for it. A cluster that backstack did not
// make stays, and so does a network that something else uses.
func (c *Cluster) Delete(ctx context.Context) error {
	if _, err := os.Stat(c.options.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := c.Abort(ctx); err != nil {
		return err
	}
	record, err := c.readRecord()
	if err != nil {
		return err
	}
	if record != nil {
		if err := c.deleteNode(ctx, record); err != nil {
			return fmt.Errorf("deleting kind cluster %s: %w", c.options.Name, err)
		}
	}
	return c.removeFiles()
}

func (c *Cluster) deleteNode(ctx context.Context, r *record) error {
	e := r.engine()
	node, err := e.inspect(ctx, c.node())
	if err != nil {
		return fmt.Errorf("%w; %s", err, e.advice(err))
	}
	if judge(r, node) != foreign {
		if err := e.remove(ctx, c.node()); err != nil {
			return err
		}
	}
	if r.Network == "" {
		return nil
	}
	return e.removeUnusedNetwork(ctx, r.Network)
}
