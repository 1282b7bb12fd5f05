// Package kind runs a hub on a kind cluster: one node, which is a container of Docker, Podman or nerdctl on this
// machine. The cluster is made by kind's own library; what kind leaves open, such as starting a node again, is asked of
// the container engine.
package kind

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/ports"
	"github.com/back-stack/backstack/internal/report"
)

// Options say what the cluster of a hub is like.
type Options struct {
	Name         string            // the hub's name, which is the cluster's too; its node is called NAME-control-plane
	Dir          string            // the hub's state folder, made if it is missing
	Image        string            // of the node; empty: kind's default
	Ports        Ports             // the ports that were asked for; 0: choose
	PortMappings []PortMapping     // further ports
	Mounts       []Mount           // folders of this machine that the node sees
	Mirrors      map[string]string // by a registry's host, the URL of the mirror that is asked first; see mirrorPath
	Authorities  []byte            // PEM of authorities that the node trusts beside its own, when it pulls images
	Registry     *cluster.Registry // a registry with an authority or a login of its own; nil: none
	Config       []byte            // more of kind's configuration, YAML of kind.x-k8s.io/v1alpha4: under the rest of this
}

// Ports are ports of the loopback address.
type Ports struct {
	Kubernetes int // the API server
	HTTP       int // NodePortHTTP of the node
	HTTPS      int // NodePortHTTPS of the node
}

// Ports of the node, on which a Service of an ingress controller is reached. Being node ports, they need nothing of the
// cluster's network that not every cluster has, and no policy against host ports minds them.
const (
	NodePortHTTP  = 30080
	NodePortHTTPS = 30443
)

// PortMapping is a port of this machine that leads to one of the node.
type PortMapping struct {
	HostPort      int
	ContainerPort int
	Protocol      string // TCP, UDP or SCTP; empty: TCP
	ListenAddress string // empty: 127.0.0.1
}

// Mount is a folder of this machine that the node sees.
type Mount struct {
	HostPath      string
	ContainerPath string
	ReadOnly      bool
}

// Cluster is the kind cluster of one hub.
type Cluster struct {
	options Options

	mu       sync.Mutex
	ports    Ports     // zero until Prepare
	creation *creation // what this process is making, or has given up making; nil if nothing
}

var _ cluster.Provider = (*Cluster)(nil)

// New describes the kind cluster of a hub; nothing is made or read.
func New(o Options) *Cluster { return &Cluster{options: o} }

// Prepare makes the hub's folder, chooses the ports, and gets the node's image.
func (c *Cluster) Prepare(ctx context.Context, to report.Reporter) error {
	if err := os.MkdirAll(c.options.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder of hub %s: %w", c.options.Name, err)
	}
	if err := c.choosePorts(); err != nil {
		return err
	}
	return c.prepareImage(ctx, to)
}

// Names of the ports, in their file and in hub.yaml.
const (
	portKubernetes = "kubernetes"
	portHTTP       = "http"
	portHTTPS      = "https"
)

func portNames() []string { return []string{portKubernetes, portHTTP, portHTTPS} }

func (p Ports) byName() map[string]int {
	return map[string]int{portKubernetes: p.Kubernetes, portHTTP: p.HTTP, portHTTPS: p.HTTPS}
}

func named(p map[string]int) Ports {
	return Ports{Kubernetes: p[portKubernetes], HTTP: p[portHTTP], HTTPS: p[portHTTPS]}
}

// choosePorts takes the ports that were asked for, those of the cluster if there is one, and free ones.
func (c *Cluster) choosePorts() error {
	record, err := c.readRecord()
	if err != nil {
		return err
	}
	asked := c.options.Ports.byName()
	if record.finished() {
		for name, port := range record.Made.Ports.byName() {
			asked[name] = cmp.Or(asked[name], port)
		}
	}
	chosen, err := ports.Choose(c.portsPath(), portNames(), asked)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ports = named(chosen)
	return nil
}

// Ports returns the cluster's ports, once Prepare has chosen them.
func (c *Cluster) Ports() Ports {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ports
}

// node is the name of the node and of its container.
func (c *Cluster) node() string { return c.options.Name + "-control-plane" }

// Paths of the files that this package makes in the hub's folder.
func (c *Cluster) path(name ...string) string {
	return filepath.Join(append([]string{c.options.Dir}, name...)...)
}

// Kubeconfig is the path of a kubeconfig whose current context is the cluster.
func (c *Cluster) Kubeconfig() string { return c.path("kubeconfig") }

// kubeconfigLock is what kind's library makes while it writes a kubeconfig, and what makes it refuse to.
func (c *Cluster) kubeconfigLock() string { return c.path("kubeconfig.lock") }

func (c *Cluster) portsPath() string { return c.path("ports.json") }

// logPath is what kind said while the cluster was made.
func (c *Cluster) logPath() string { return c.path("kind.log") }

// nodeDir has the files that the node sees.
func (c *Cluster) nodeDir() string { return c.path("node") }

// dataDir is on the node's own volume, which lives as long as the node does and is deleted with it.
const dataDir = "/var/lib/backstack"

// DataDir is a folder on the node that pods' hostPath volumes may use. It lives and ends with the cluster.
func (c *Cluster) DataDir() string { return dataDir }

// EnsureNodeFolder makes a folder on the node that a user and a group own and nobody else sees into.
func (c *Cluster) EnsureNodeFolder(ctx context.Context, folder string, uid, gid int) error {
	if !path.IsAbs(folder) || path.Clean(folder) != folder {
		return fmt.Errorf("making the folder %s on node %s: want an absolute path without . or .. in it", folder, c.node())
	}
	return c.onNode(ctx, "making the folder "+folder, "install", "-d", "-m", "0770", "-o", strconv.Itoa(uid), "-g",
		strconv.Itoa(gid), folder)
}

// onNode runs a command on the node; doing says what for.
func (c *Cluster) onNode(ctx context.Context, doing string, command ...string) error {
	record, err := c.readRecord()
	if err == nil && record == nil {
		err = errors.New("there is no such node: want the cluster to be made first")
	}
	if err == nil {
		_, err = record.engine().exec(ctx, c.node(), command...)
	}
	if err != nil {
		return fmt.Errorf("%s on node %s: %w", doing, c.node(), err)
	}
	return nil
}

// removeFiles removes what this package made in the hub's folder; the record goes last, so that a deletion that was
// interrupted goes on.
func (c *Cluster) removeFiles() error {
	for _, name := range []string{c.Kubeconfig(), c.kubeconfigLock(), c.portsPath(), c.logPath(), c.nodeDir()} {
		if err := os.RemoveAll(name); err != nil {
			return fmt.Errorf("removing the files of kind cluster %s: %w", c.options.Name, err)
		}
	}
	return c.removeRecord()
}

func removeFile(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
