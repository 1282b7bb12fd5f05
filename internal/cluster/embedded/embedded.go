// Package embedded runs a hub on this machine without a container engine: a real Kubernetes control plane and the
// components' programs as supervised processes, everything on loopback, encrypted and authenticated. There is no node, so
// the cluster runs no pods.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/ports"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/internal/supervisor"
)

// Options say which hub, and where everything comes from.
type Options struct {
	Name       string         // the hub's name
	Dir        string         // its state folder
	Engine     engine.Options // where the programs come from
	Ports      Ports          // the ports that were asked for; 0 or absent: choose
	Supervisor []string       // the command line that runs Supervise for Dir
	Components []string       // the components to run beside the control plane
}

// Cluster is the embedded cluster of one hub.
type Cluster struct {
	Layout
	options Options
	client  *supervisor.Client

	mu        sync.Mutex
	programs  *programs            // nil until Prepare
	wanted    []supervisor.Process // what the supervisor is to run, as far as install has come
	launched  bool                 // whether launch has been here
	launching bool                 // whether this process started the supervisor
}

var (
	_ cluster.Provider = (*Cluster)(nil)
	_ cluster.Runtime  = (*Cluster)(nil)
)

// New describes the embedded cluster of a hub; nothing is made or read.
func New(o Options) *Cluster {
	layout := Layout{Root: o.Dir}
	return &Cluster{Layout: layout, options: o, client: supervisor.NewClient(layout.Supervisor())}
}

// Check says whether the engine can be had and the ports that were asked for are free.
func (c *Cluster) Check(ctx context.Context) error {
	faults := []error{engine.Check(ctx, c.options.Engine), c.checkPath(), checkFolder(c.Root), checkGit()}
	return errors.Join(append(faults, c.checkPorts())...)
}

// checkPorts says which of the ports that were asked for are taken. Those of a hub that runs are its own.
func (c *Cluster) checkPorts() error {
	own := map[string]int{}
	if _, running := supervisor.Running(c.Layout.Supervisor()); running {
		var err error
		if own, err = ports.Kept(c.Layout.Ports()); err != nil {
			return err
		}
	}
	var faults []error
	for name, port := range c.options.Ports {
		if port == 0 || slices.Contains(slices.Collect(maps.Values(own)), port) {
			continue
		}
		if err := ports.Free(port); err != nil {
			faults = append(faults, fmt.Errorf("port %d, asked for in spec.embedded.ports.%s: %w; ask for another, or for 0 "+
				"to have a free one chosen", port, name, err))
		}
	}
	return errors.Join(faults...)
}

// checkGit looks for git where the hub's programs will.
func checkGit() error {
	if _, err := findProgram("git"); err != nil {
		return fmt.Errorf("git is not in %s, and Gitea and Argo CD need it there: apt-get install git", systemPath)
	}
	return nil
}

// findProgram returns the path of a program of the system's.
func findProgram(name string) (string, error) {
	for _, dir := range filepath.SplitList(systemPath) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", os.ErrNotExist
}

// longestSocket is how long the path of a Unix socket can be on Linux (unix(7)).
const longestSocket = 107

func (c *Cluster) checkPath() error {
	if excess := len(c.askPass()) - longestSocket; excess > 0 {
		return fmt.Errorf("the hub's folder %s: its path is too long for the sockets in it by %d characters: want a shorter "+
			"XDG_STATE_HOME or a shorter name", c.Root, excess)
	}
	return nil
}

// Prepare gets the programs, and makes the hub's folders, ports, keys and certificates.
func (c *Cluster) Prepare(ctx context.Context, to report.Reporter) error {
	built, err := engine.Ensure(ctx, c.options.Engine, to)
	if err != nil {
		return err
	}
	if err := c.make(); err != nil {
		return err
	}
	ports, err := choosePorts(c.Layout.Ports(), c.options.Ports)
	if err != nil {
		return err
	}
	if err := certify(c.Layout, loopbackURL(ports[PortKubernetes])); err != nil {
		return err
	}
	p := &programs{Layout: c.Layout, engine: built, ports: ports}
	if _, err := c.Secrets().Random("redis/auth"); err != nil {
		return err
	}
	for _, write := range []func() error{p.writeAdmissionConfig, p.writeGiteaFiles, p.writeArgoFiles, p.writeCrossplaneFiles} {
		if err := write(); err != nil {
			return err
		}
	}
	c.programs = p
	return nil
}

// Ports returns the ports that Prepare has chosen.
func (c *Cluster) Ports() Ports { return c.programs.ports }

// PlannedPorts returns the ports that Prepare would choose for a hub that has some. Nothing is kept.
func (c *Cluster) PlannedPorts() (Ports, error) {
	return ports.Plan(c.Layout.Ports(), portNames(), c.options.Ports)
}

// Ensure starts the supervisor and the control plane. It returns whether any of it was started.
func (c *Cluster) Ensure(ctx context.Context, waiting func(string)) (bool, error) {
	if err := c.launch(ctx); err != nil {
		return false, err
	}
	plane := c.programs.controlPlane()
	if _, err := c.run(ctx, waiting, plane[0]); err != nil {
		return false, err
	}
	if err := c.programs.seed(ctx); err != nil {
		return false, err
	}
	before, err := c.client.Status(ctx)
	if err != nil {
		return false, err
	}
	// The controller manager is not waited for: nothing needs it to begin.
	if err := c.add(ctx, plane); err != nil {
		return false, err
	}
	_, err = c.run(ctx, waiting, plane[:2]...)
	return c.launching || pidOf(before, plane[1].Name) == 0, err
}

// EnsurePrograms starts the programs of a component and waits until they do their work. It returns whether any was
// started.
func (c *Cluster) EnsurePrograms(ctx context.Context, component string, waiting func(string)) (bool, error) {
	return c.run(ctx, waiting, c.programs.of(component)...)
}

// of returns the processes of a component.
func (p programs) of(component string) []supervisor.Process {
	switch component {
	case "kubernetes":
		return p.controlPlane()
	case "gitea":
		return p.gitea()
	case "argocd":
		return p.argoCD()
	case "crossplane":
		return p.crossplane()
	case "kyverno":
		return p.kyverno()
	}
	return nil
}

// launch starts the supervisor unless it runs. What it ran before, it runs again.
func (c *Cluster) launch(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.launched {
		return nil
	}
	if _, running := supervisor.Running(c.Layout.Supervisor()); !running {
		c.launching = true
	}
	if err := c.startSupervisor(ctx); err != nil {
		return err
	}
	running, err := c.client.Status(ctx)
	if err != nil {
		return err
	}
	c.launched = true
	// What runs already stays, as it is described now: after an upgrade that is another program.
	for _, component := range append([]string{"kubernetes"}, c.options.Components...) {
		for _, process := range c.programs.of(component) {
			for _, status := range running {
				if status.Name == process.Name {
					c.wanted = append(c.wanted, process)
				}
			}
		}
	}
	return nil
}

// startSupervisor starts the supervisor unless it runs. Argo CD's clones go before: git's lock, left in one of them by a git that
// was killed, would keep Argo CD from it for good.
func (c *Cluster) startSupervisor(ctx context.Context) error {
	if _, running := supervisor.Running(c.Layout.Supervisor()); !running {
		if err := removeAll(filepath.Join(c.Temp(), "_argocd-repo")); err != nil {
			return fmt.Errorf("removing Argo CD's clones: %w", err)
		}
	}
	return supervisor.Start(ctx, supervisor.Launch{
		Dir: c.Layout.Supervisor(), Path: c.options.Supervisor[0], Args: c.options.Supervisor[1:], Env: supervisorEnv(),
	})
}

// supervisorEnv is what the supervisor itself needs; its processes have environments of their own.
func supervisorEnv() []string {
	return []string{"PATH=" + systemPath, "HOME=" + os.Getenv("HOME"), "GOGC=50", "GOMEMLIMIT=48MiB"}
}

// run adds processes to those that the supervisor runs, and waits until they are ready. It returns whether any of them
// was started for that.
func (c *Cluster) run(ctx context.Context, waiting func(string), processes ...supervisor.Process) (bool, error) {
	before, err := c.client.Status(ctx)
	if err != nil {
		return false, err
	}
	if err := c.add(ctx, processes); err != nil {
		return false, err
	}
	names := make([]string, len(processes))
	for i, process := range processes {
		names[i] = process.Name
	}
	if err := c.await(ctx, waiting, names...); err != nil {
		return false, err
	}
	after, err := c.client.Status(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(names, func(name string) bool { return pidOf(before, name) != pidOf(after, name) }), nil
}

// await waits until the processes called names are ready, all if there are none. waiting may be nil.
func (c *Cluster) await(ctx context.Context, waiting func(string), names ...string) error {
	return c.client.Wait(ctx, func(pending []supervisor.Status) {
		if waiting != nil && len(pending) > 0 {
			waiting(summary(pending))
		}
	}, names...)
}

// pidOf returns the number of the process called name, 0 if it does not run.
func pidOf(list []supervisor.Status, name string) int {
	for _, status := range list {
		if status.Name == name {
			return status.PID
		}
	}
	return 0
}

func (c *Cluster) add(ctx context.Context, processes []supervisor.Process) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, process := range processes {
		known := false
		for i := range c.wanted {
			if c.wanted[i].Name == process.Name {
				c.wanted[i], known = process, true
			}
		}
		if !known {
			c.wanted = append(c.wanted, process)
		}
	}
	return c.client.Apply(ctx, c.wanted)
}

// summary says in a line which processes are waited for.
func summary(pending []supervisor.Status) string {
	text := ""
	for i, status := range pending {
		if i > 0 {
			text += ", "
		}
		text += status.Name
		if status.State != supervisor.Starting || status.Restarts > 0 {
			text += " (" + status.Reason() + ")"
		}
	}
	return text
}

// Installed says whether there is something that Start can start.
func (c *Cluster) Installed() bool {
	_, err := os.Stat(filepath.Join(c.Layout.Supervisor(), "processes.json"))
	return err == nil
}

// Start runs what the hub ran before, after Stop or a restart of the machine, and waits until it is ready.
func (c *Cluster) Start(ctx context.Context, waiting func(string)) error {
	if err := c.startSupervisor(ctx); err != nil {
		return err
	}
	return c.await(ctx, waiting)
}

// Stop ends the hub's processes in order and keeps all its files.
func (c *Cluster) Stop(ctx context.Context, grace time.Duration) error {
	if err := c.client.Stop(ctx, grace); err != nil && !errors.Is(err, supervisor.ErrNotRunning) {
		return err
	}
	return nil
}

// Abort kills the processes if it was this process that started the supervisor.
func (c *Cluster) Abort(ctx context.Context) error {
	if !c.launching {
		return nil
	}
	return c.kill(ctx)
}

func (c *Cluster) kill(ctx context.Context) error {
	if err := c.client.Kill(ctx); err != nil && !errors.Is(err, supervisor.ErrNotRunning) {
		return err
	}
	return nil
}

// Delete kills the hub's processes and removes its folder. There is nothing to end gracefully for: all they would save
// goes too.
func (c *Cluster) Delete(ctx context.Context) error {
	if _, err := os.Stat(c.Root); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := c.kill(ctx); err != nil {
		return fmt.Errorf("stopping the processes of hub %s: %w", c.options.Name, err)
	}
	if err := removeAll(c.Root); err != nil {
		return fmt.Errorf("removing the files of hub %s: %w", c.options.Name, err)
	}
	return nil
}
