package kind

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/defaults"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

// loopback is where a hub's ports are.
const loopback = "127.0.0.1"

// config is kind's configuration of the cluster with these ports, and everything that is wrong with what was asked for.
// With ports of 0, only the faults are of use.
func (o Options) config(p Ports) (*v1alpha4.Cluster, []error) {
	config, faults := o.given()
	if config == nil {
		return nil, faults
	}
	config.TypeMeta = v1alpha4.TypeMeta{Kind: "Cluster", APIVersion: "kind.x-k8s.io/v1alpha4"}
	config.Name = o.Name
	config.Networking.APIServerAddress = loopback
	config.Networking.APIServerPort = int32(p.Kubernetes)
	config.ContainerdConfigPatches = append(config.ContainerdConfigPatches, certsPatches()...)
	if len(config.Nodes) == 0 {
		config.Nodes = []v1alpha4.Node{{}}
	}
	node := &config.Nodes[0]
	node.Role = v1alpha4.ControlPlaneRole
	node.Image = o.image()

	mappings := []PortMapping{
		{HostPort: p.HTTP, ContainerPort: NodePortHTTP},
		{HostPort: p.HTTPS, ContainerPort: NodePortHTTPS},
	}
	mappings = append(mappings, o.PortMappings...)
	for _, m := range mappings {
		node.ExtraPortMappings = append(node.ExtraPortMappings, v1alpha4.PortMapping{
			HostPort: int32(m.HostPort), ContainerPort: int32(m.ContainerPort), ListenAddress: m.address(),
			Protocol: v1alpha4.PortMappingProtocol(m.protocol()),
		})
	}
	mounts := append(o.nodeMounts(), o.Mounts...)
	for _, m := range mounts {
		node.ExtraMounts = append(node.ExtraMounts, v1alpha4.Mount{
			HostPath: m.HostPath, ContainerPath: m.ContainerPath, Readonly: m.ReadOnly,
		})
	}
	faults = append(faults, o.mirrorFaults()...)
	return config, append(faults, nodeFaults(*node, p)...)
}

// given is the configuration that was given as YAML, and what in it cannot be; nil if it cannot be read.
func (o Options) given() (*v1alpha4.Cluster, []error) {
	const at = "spec.kind.config"
	config := &v1alpha4.Cluster{}
	decoder := yaml.NewDecoder(bytes.NewReader(o.Config))
	decoder.KnownFields(true)
	if err := decoder.Decode(config); err != nil && !errors.Is(err, io.EOF) {
		return nil, []error{fmt.Errorf("%s: %w: want the YAML of a Cluster of kind.x-k8s.io/v1alpha4", at, err)}
	}
	var faults []error
	refuse := func(when bool, field, format string, args ...any) {
		if when {
			faults = append(faults, fmt.Errorf("%s: %s "+format, append([]any{at, field}, args...)...))
		}
	}
	refuse(config.Kind != "" && config.Kind != "Cluster", "kind", "is %s: want Cluster", config.Kind)
	refuse(config.APIVersion != "" && config.APIVersion != "kind.x-k8s.io/v1alpha4", "apiVersion",
		"is %s: want kind.x-k8s.io/v1alpha4", config.APIVersion)
	refuse(config.Name != "" && config.Name != o.Name, "name",
		"is %s, and the cluster is called after its hub, %s: take it out", config.Name, o.Name)
	refuse(config.Networking.APIServerAddress != "", "networking.apiServerAddress", "is always %s: take it out", loopback)
	refuse(config.Networking.APIServerPort != 0, "networking.apiServerPort", "is spec.kind.ports.kubernetes: take it out")
	refuse(len(config.Nodes) > 1, "nodes", "has %d nodes, and what a hub keeps is on one: want one", len(config.Nodes))
	for _, node := range config.Nodes {
		refuse(node.Role != "" && node.Role != v1alpha4.ControlPlaneRole, "nodes[0].role", "is %s: want %s", node.Role,
			v1alpha4.ControlPlaneRole)
		refuse(node.Image != "", "nodes[0].image", "is spec.kind.image: take it out")
	}
	return config, faults
}

// nodeFaults says what is wrong with a node as a whole.
func nodeFaults(node v1alpha4.Node, p Ports) []error {
	var faults []error
	listening := []PortMapping{{HostPort: p.Kubernetes}}
	for _, m := range node.ExtraPortMappings {
		listening = append(listening, mappingOf(m))
	}
	for _, m := range node.ExtraMounts {
		// The engines take a mount as HOST:NODE:OPTIONS.
		for _, path := range []string{m.HostPath, m.ContainerPath} {
			if strings.Contains(path, ":") {
				faults = append(faults, fmt.Errorf("the path %s cannot be mounted, because there is a : in it: want another", path))
			}
		}
	}
	return append(faults, clashes(listening)...)
}

// mappingOf is a mapping of kind's configuration, with kind's default for where it listens.
func mappingOf(m v1alpha4.PortMapping) PortMapping {
	return PortMapping{
		HostPort: int(m.HostPort), ContainerPort: int(m.ContainerPort), Protocol: string(m.Protocol),
		ListenAddress: cmp.Or(m.ListenAddress, "0.0.0.0"),
	}
}

// image is that of the node.
func (o Options) image() string { return cmp.Or(o.Image, defaults.Image) }

// Image is that of the node.
func (c *Cluster) Image() string { return c.options.image() }

func (m PortMapping) address() string { return cmp.Or(m.ListenAddress, loopback) }

func (m PortMapping) protocol() string { return cmp.Or(m.Protocol, "TCP") }

// listens is where the mapping is to be had on this machine.
func (m PortMapping) listens() string {
	return net.JoinHostPort(m.address(), strconv.Itoa(m.HostPort)) + "/" + m.protocol()
}

// String is the mapping as the engines' command lines have it.
func (m PortMapping) String() string { return m.listens() + ":" + strconv.Itoa(m.ContainerPort) }

// String is the mount as the engines' command lines have it.
func (m Mount) String() string {
	text := m.HostPath + ":" + m.ContainerPath
	if m.ReadOnly {
		text += ":ro"
	}
	return text
}

// explicit are mappings with what they default to written out, to be compared.
func explicit(mappings []PortMapping) []PortMapping {
	out := slices.Clone(mappings)
	for i, m := range out {
		out[i].Protocol, out[i].ListenAddress = m.protocol(), m.address()
	}
	return out
}
