package kind

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/dustin/go-humanize"

	"github.com/back-stack/backstack/internal/cluster/ports"
)

// checkTimeout bounds how long a container engine may take to say what there is.
const checkTimeout = 30 * time.Second

// Check says whether the cluster can be made here as it is asked for. Where its node runs, be it an unfinished one,
// only what was asked for is judged: the ports and the memory are the node's.
func (c *Cluster) Check(ctx context.Context) error {
	slow := fmt.Errorf("no answer in %s", checkTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, checkTimeout, slow)
	defer cancel()
	err := c.check(ctx)
	if errors.Is(err, slow) {
		return fmt.Errorf("asking the container engine about kind cluster %s: %w: want one that answers, as `docker info`, `podman "+
			"info` or `nerdctl info` tells", c.options.Name, err)
	}
	return err
}

func (c *Cluster) check(ctx context.Context) error {
	_, faults := c.options.config(c.options.Ports)
	record, err := c.readRecord()
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	var e engine
	var info *engineInfo
	if record != nil {
		e = record.engine()
	} else if e, info, err = find(ctx); err != nil {
		return errors.Join(append(faults, err)...)
	}
	node, err := e.inspect(ctx, c.node())
	if err != nil {
		err = fmt.Errorf("looking for kind cluster %s: %w; %s", c.options.Name, err, e.advice(err))
		return errors.Join(append(faults, err)...)
	}
	found := judge(record, node)
	if found == foreign {
		faults = append(faults, c.foreign(e, record, node))
	}
	if record.finished() && found != foreign && found != absent {
		faults = append(faults, record.Made.changes(c.options)...)
	}
	if found != absent && found != foreign && node.State.Status != "exited" && node.State.Status != "created" {
		return errors.Join(faults...)
	}
	if info == nil {
		if info, err = e.info(ctx); err != nil {
			return errors.Join(append(faults, fmt.Errorf("%w; %s", err, e.advice(err)))...)
		}
	}
	m, err := inspectMachine(*info, "/proc")
	if err != nil {
		return errors.Join(append(faults, err)...)
	}
	faults = append(faults, m.faults(c.options)...)
	if found != foreign { // whose ports these may well be
		faults = append(faults, c.portFaults(portTaken)...)
	}
	return errors.Join(faults...)
}

// foreign says that backstack did not make what has the cluster's name.
func (c *Cluster) foreign(e engine, r *record, node *container) error {
	if node.Config.Labels[clusterLabel] != c.options.Name {
		return fmt.Errorf("a container called %s is there, and backstack did not make it: want another name for the hub, or "+
			"`%s rm --force %[1]s` if it can go", c.node(), e.program)
	}
	if r != nil {
		return fmt.Errorf("kind cluster %s is not the one that backstack made for this hub: it was deleted and made anew. "+
			"Want another name for the hub, or `kind delete cluster --name %[1]s` if it can go", c.options.Name)
	}
	return fmt.Errorf("a kind cluster called %s is there, and backstack did not make it: want another name for the hub, "+
		"or `kind delete cluster --name %[1]s` if it can go", c.options.Name)
}

// What a machine must have.
const (
	// A control plane with a hub's components takes 2 to 3 GiB. Of the 4 GiB of a machine, or of a virtual one such as
	// Docker Desktop's, its kernel keeps some for itself.
	leastMemory = 3584 << 20

	// Kernels come with 128 instances and, the older of them, 8192 watches. That does: a node takes about 30 instances,
	// and each of a hub's pods one or two. kind advises more, for several nodes; to ask everybody for that would be to
	// refuse most machines on which a hub works. See
	// https://kind.sigs.k8s.io/docs/user/known-issues/#pod-errors-due-to-too-many-open-files.
	leastInstances = 128
	leastWatches   = 8192
	goodInstances  = 512
	goodWatches    = 524288
)

// faults says what a machine lacks.
func (m machine) faults(o Options) []error {
	var faults []error
	if m.Available < leastMemory {
		of := "the container engine's machine has %s of memory, and a hub with its pods takes 4 GB: give it more (Docker " +
			"Desktop: Settings, Resources)"
		if m.Local {
			of = "%s of memory are available, and a hub with its pods takes 4 GB: end other programs, or use a larger machine"
		}
		faults = append(faults, fmt.Errorf(of, humanize.IBytes(m.Available)))
	}
	if m.Instances != 0 && m.Instances < leastInstances {
		faults = append(faults, inotifyFault("max_user_instances", m.Instances, leastInstances, goodInstances))
	}
	if m.Watches != 0 && m.Watches < leastWatches {
		faults = append(faults, inotifyFault("max_user_watches", m.Watches, leastWatches, goodWatches))
	}
	return append(faults, m.cgroupFaults(o)...)
}

func inotifyFault(name string, is, least, good int) error {
	return fmt.Errorf("fs.inotify.%s is %d, with which pods fail with \"too many open files\": want %d or more, better "+
		"%d: `sudo sysctl fs.inotify.%[1]s=%[4]d`", name, is, least, good)
}

// The oldest kernels: of cgroup v2 for Kubernetes (https://kubernetes.io/docs/concepts/architecture/cgroups), and of
// those that kubeadm takes.
const (
	leastKernel  = "4.19"
	leastKernel2 = "5.8"
)

func (m machine) cgroupFaults(o Options) []error {
	var faults []error
	least := leastKernel
	if m.Cgroup == 2 {
		least = leastKernel2
	}
	if kernel := kernelVersion(m.Kernel); kernel != nil && kernel.LessThan(semver.MustParse(least)) {
		faults = append(faults, fmt.Errorf("the kernel is %s: Kubernetes with cgroup v%d wants %s or newer", m.Kernel,
			m.Cgroup, least))
	}
	missing := strings.Join(m.Missing, ", ")
	switch {
	case m.Rootless && m.Cgroup == 1:
		faults = append(faults, errors.New("the container engine runs as an ordinary user on cgroup v1, where no node of a "+
			"cluster can: want cgroup v2 (boot with systemd.unified_cgroup_hierarchy=1), or an engine that runs as root"))
	case m.Rootless && missing != "":
		faults = append(faults, fmt.Errorf("the container engine is not given the cgroup controllers %s, without which no "+
			"node of a cluster runs: set Delegate=yes for user@.service, see https://kind.sigs.k8s.io/docs/user/rootless",
			missing))
	case missing != "":
		faults = append(faults, fmt.Errorf("the container engine's machine has no cgroup controllers %s, without which no "+
			"node of a cluster runs: boot it with cgroup_enable=memory or the like, and see what `docker info` warns of",
			missing))
	case m.Cgroup == 1 && !o.startsOnCgroup1():
		faults = append(faults, fmt.Errorf("the container engine's machine uses cgroup v1, where the kubelet of image %s "+
			"does not start: that of Kubernetes 1.35 and newer refuses. Want cgroup v2 (boot with "+
			"systemd.unified_cgroup_hierarchy=1), or in spec.kind.image an image of Kubernetes 1.34, or in spec.kind.config a "+
			"kubeadmConfigPatches with failCgroupV1: false in a KubeletConfiguration", o.image()))
	}
	return faults
}

// startsOnCgroup1 says whether the kubelet starts on cgroup v1: since 1.35 it must be told to (KEP-5573). Of an image
// whose tag is no version, nothing is known, and it is let be.
func (o Options) startsOnCgroup1() bool {
	if failCgroupV1.Match(o.Config) {
		return true
	}
	version := imageVersion(o.image())
	return version == nil || version.LessThan(semver.MustParse("1.35.0-0"))
}

var (
	failCgroupV1  = regexp.MustCompile(`failCgroupV1:\s*false`)
	kernelPattern = regexp.MustCompile(`^\d+\.\d+`)
)

// kernelVersion reads the release of a kernel; nil if it is no version.
func kernelVersion(release string) *semver.Version {
	version, err := semver.NewVersion(kernelPattern.FindString(release))
	if err != nil {
		return nil
	}
	return version
}

// imageVersion reads the version in the tag of an image; nil if there is none.
func imageVersion(image string) *semver.Version {
	image, _, _ = strings.Cut(image, "@")
	name := image[strings.LastIndex(image, "/")+1:]
	_, tag, _ := strings.Cut(name, ":")
	version, err := semver.NewVersion(tag)
	if err != nil {
		return nil
	}
	return version
}

// portFaults says which ports of the cluster are taken: those that were asked for, and those that were chosen before.
// taken says why a port cannot be had.
func (c *Cluster) portFaults(taken func(PortMapping) error) []error {
	kept, err := ports.Kept(c.portsPath())
	if err != nil {
		return []error{err}
	}
	var faults []error
	asked := c.options.Ports.byName()
	for _, name := range portNames() {
		port, hint := asked[name], "ask for another, or for 0 to have a free one chosen"
		if port == 0 {
			port, hint = kept[name], "end what listens there, or remove "+c.portsPath()+" to have others chosen"
		}
		if port == 0 {
			continue
		}
		if err := taken(PortMapping{HostPort: port}); err != nil {
			faults = append(faults, fmt.Errorf("port %d, for spec.kind.ports.%s: %w; %s", port, name, err, hint))
		}
	}
	for i, mapping := range c.options.PortMappings {
		if err := taken(mapping); err != nil {
			faults = append(faults, fmt.Errorf("port %d, asked for in spec.kind.portMappings[%d]: %w; ask for another",
				mapping.HostPort, i, err))
		}
	}
	given, _ := c.options.given() // what is wrong with it is told by config
	if given == nil {
		return faults
	}
	for _, node := range given.Nodes {
		for i, m := range node.ExtraPortMappings {
			if m.HostPort <= 0 {
				continue // the engine chooses one
			}
			if err := taken(mappingOf(m)); err != nil {
				faults = append(faults, fmt.Errorf("port %d, asked for in spec.kind.config: nodes[0].extraPortMappings[%d]: %w; ask for "+
					"another", m.HostPort, i, err))
			}
		}
	}
	return faults
}

// dialTimeout bounds the attempt to reach what may listen at a port of this machine.
const dialTimeout = 200 * time.Millisecond

// portTaken says why a port of this machine cannot be listened on. Where this user may not, but the engine may,
// whatever answers there has the port. SCTP is for the engine to find out.
func portTaken(m PortMapping) error {
	address := net.JoinHostPort(m.address(), strconv.Itoa(m.HostPort))
	var err error
	switch m.protocol() {
	case "UDP":
		var conn net.PacketConn
		if conn, err = net.ListenPacket("udp", address); err == nil {
			return conn.Close()
		}
	case "TCP":
		var listener net.Listener
		if listener, err = net.Listen("tcp", address); err == nil {
			return listener.Close()
		}
	}
	if !errors.Is(err, syscall.EACCES) {
		return err
	}
	if conn, err := net.DialTimeout("tcp", address, dialTimeout); err == nil {
		return errors.Join(syscall.EADDRINUSE, conn.Close())
	}
	return nil
}

// clashes says which of a node's port mappings want the same port of this machine.
func clashes(mappings []PortMapping) []error {
	var faults []error
	for i, m := range mappings {
		if slices.ContainsFunc(mappings[:i], m.clashes) {
			faults = append(faults, fmt.Errorf("port %s is asked for twice, in spec.kind: want another for one of them",
				m.listens()))
		}
	}
	return faults
}

// clashes says whether two mappings cannot be had at once.
func (m PortMapping) clashes(other PortMapping) bool {
	any := func(m PortMapping) bool { ip := net.ParseIP(m.address()); return ip != nil && ip.IsUnspecified() }
	return m.HostPort == other.HostPort && m.HostPort > 0 && m.protocol() == other.protocol() &&
		(m.address() == other.address() || any(m) || any(other))
}
