// Package existing runs a hub on a cluster that someone else made: whatever a context of a kubeconfig names. The
// cluster is looked at before anything is changed, and when the hub goes, the cluster and everything that is not the
// hub's stays.
package existing

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/report"
)

// Options say which hub, on which cluster, and what is accepted there.
type Options struct {
	Name string // the hub's name
	Dir  string // its state folder; made if missing

	// Kubeconfig is the path of a kubeconfig, or several with the list separator of paths between them, which are merged
	// as kubectl does. Empty: those of the variable KUBECONFIG, or else ~/.kube/config.
	Kubeconfig string
	// Context is the context that names the cluster. Check wants one: which cluster becomes a hub is not guessed.
	Context string

	Tenants bool // whether the cluster may run other things than the hub
	Storage bool // whether the hub's Gitea is on the cluster, which needs a default storage class

	// Force makes Delete go on where something would be lost: see Delete.
	Force bool
	// Waiting, if not nil, is told what Delete waits for. It is not called by two at once.
	Waiting func(string)
}

// Cluster is the cluster of one hub.
type Cluster struct {
	options Options

	mu   sync.Mutex // guards left, and calls of Options.Waiting
	left []string   // what Delete has left, and why
}

var _ cluster.Provider = (*Cluster)(nil)

// New describes the cluster of a hub; nothing is made or read.
func New(o Options) *Cluster { return &Cluster{options: o} }

// Prepare makes the hub's folder.
func (c *Cluster) Prepare(context.Context, report.Reporter) error {
	if err := os.MkdirAll(c.options.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of hub %s: %w", c.options.Name, err)
	}
	return nil
}

// Ensure writes the hub's own kubeconfig, which has the one context and depends on no other file but those that hold
// tokens, and asks the cluster for an answer. The cluster is there, so nothing is ever started.
func (c *Cluster) Ensure(ctx context.Context, waiting func(string)) (bool, error) {
	config, err := c.options.kubeconfig()
	if err != nil {
		return false, err
	}
	if waiting != nil {
		waiting("an answer of " + serverOf(config))
	}
	a, err := connect(ctx, config)
	if err != nil {
		return false, err
	}
	identity, err := a.identity(ctx)
	if err != nil {
		return false, err
	}
	if err := c.Prepare(ctx, nil); err != nil {
		return false, err
	}
	data, err := clientcmd.Write(*config)
	if err != nil {
		return false, fmt.Errorf("writing %s: %w", c.Kubeconfig(), err)
	}
	// The identity comes first: a kubeconfig without one could lead anywhere.
	return false, errors.Join(
		atomicfile.Write(c.identityFile(), []byte(identity+"\n"), 0o600), atomicfile.Write(c.Kubeconfig(), data, 0o600))
}

// Kubeconfig is the path of the hub's own kubeconfig. Ensure writes it.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.options.Dir, "kubeconfig") }

// identityFile is the path of a file that says which cluster the hub is on, whatever its address.
func (c *Cluster) identityFile() string { return filepath.Join(c.options.Dir, "cluster-uid") }

// Status asks the cluster for its version. That it does not answer, or not to this account, is no error but the reason.
func (c *Cluster) Status(ctx context.Context) (*cluster.Status, error) {
	config, err := c.ownKubeconfig()
	if err != nil || config == nil {
		return &cluster.Status{}, err
	}
	status := &cluster.Status{Exists: true, Server: serverOf(config)}
	a, err := connect(ctx, config)
	if err != nil {
		status.Reason = err.Error()
		return status, nil
	}
	status.Running, status.Version = true, a.version
	return status, nil
}

// Abort does nothing: nothing was started.
func (c *Cluster) Abort(context.Context) error { return nil }
