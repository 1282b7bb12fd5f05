package spec

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net"
	"net/url"
	"path"
	"slices"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// KindCluster is how a hub runs on a kind cluster.
type KindCluster struct {
	// Image is that of the cluster's node, of which kind derives the version of Kubernetes; empty means kind's own.
	Image string `json:"image,omitempty"`

	// Ports are those of the loopback address.
	Ports KindPorts `json:"ports"`

	// PortMappings are further ports of this machine that lead to ports of the node.
	PortMappings []PortMapping `json:"portMappings,omitempty"`

	// Mounts are folders of this machine that the node sees.
	Mounts []Mount `json:"mounts,omitempty"`

	// Mirrors are the URLs of mirrors that the node asks before it asks a registry; the keys are the registries' hosts.
	Mirrors map[string]string `json:"mirrors,omitempty"`

	// Authorities are certificate authorities that the node trusts beside its own, PEM: those of mirrors and registries.
	Authorities string `json:"authorities,omitempty"`

	// Config is more of a configuration of kind, YAML of kind.x-k8s.io/v1alpha4, under what backstack makes of the rest.
	Config string `json:"config,omitempty"`
}

// KindPorts are ports of the loopback address. 0 means that a free one is chosen.
type KindPorts struct {
	Kubernetes int `json:"kubernetes"` // the Kubernetes API
	HTTP       int `json:"http"`       // the ingress controller
	HTTPS      int `json:"https"`      // the same, with TLS
}

// PortMapping is a port of this machine that leads to one of the node.
type PortMapping struct {
	HostPort      int    `json:"hostPort"`
	ContainerPort int    `json:"containerPort"`
	Protocol      string `json:"protocol,omitempty"`      // TCP, UDP or SCTP; empty means TCP
	ListenAddress string `json:"listenAddress,omitempty"` // empty means 127.0.0.1
}

// Mount is a folder of this machine that the node sees.
type Mount struct {
	HostPath      string `json:"hostPath"`
	ContainerPath string `json:"containerPath"`
	ReadOnly      bool   `json:"readOnly,omitempty"`
}

// checkKind judges what is for the provider kind alone.
func (c *checker) checkKind() {
	kind := c.hub.Spec.Kind
	if kind == nil {
		return
	}
	c.checkBelongs("spec.kind", ProviderKind)
	c.checkPorts("spec.kind.ports", strictyaml.Fields(kind.Ports),
		[]int{kind.Ports.Kubernetes, kind.Ports.HTTP, kind.Ports.HTTPS})
	for i, mapping := range kind.PortMappings {
		c.checkPortMapping(strictyaml.Index("spec.kind.portMappings", i), mapping)
	}
	for i, mount := range kind.Mounts {
		at := strictyaml.Index("spec.kind.mounts", i)
		c.checkAbsolute(at+".hostPath", mount.HostPath)
		c.checkAbsolute(at+".containerPath", mount.ContainerPath)
	}
	for _, host := range slices.Sorted(maps.Keys(kind.Mirrors)) {
		at := strictyaml.Key("spec.kind.mirrors", host)
		if u, err := url.Parse(kind.Mirrors[host]); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			c.fault(at, "is not the URL of a mirror: want one such as https://mirror.example.com")
		} else if u.User != nil {
			c.fault(at, "has a user or password in it, which would end up in Git: take that out")
		}
	}
	c.checkAuthorities("spec.kind.authorities", kind.Authorities)
}

func (c *checker) checkPortMapping(at string, mapping PortMapping) {
	ports := []int{mapping.HostPort, mapping.ContainerPort}
	for i, name := range []string{"hostPort", "containerPort"} {
		if port := ports[i]; port < 1 || port > 65535 {
			c.fault(at+"."+name, "%d is not a port: want 1 to 65535", port)
		}
	}
	protocols := []string{"TCP", "UDP", "SCTP"}
	if p := mapping.Protocol; p != "" && !slices.Contains(protocols, p) {
		c.fault(at+".protocol", "%s is not a protocol: %s", strictyaml.Quote(p), strictyaml.OneOf(p, protocols))
	}
	if mapping.ListenAddress != "" && net.ParseIP(mapping.ListenAddress) == nil {
		c.fault(at+".listenAddress", "%s is not an IP address: want one of this machine, such as 127.0.0.1",
			strictyaml.Quote(mapping.ListenAddress))
	}
}

// checkAbsolute judges the path of a mount.
func (c *checker) checkAbsolute(at, text string) {
	if !path.IsAbs(text) {
		c.fault(at, "%s is not an absolute path: want one that begins with /", strictyaml.Quote(text))
	}
}

// checkPorts judges ports of the loopback address, 0 among them for one that is free. names are those of their fields.
func (c *checker) checkPorts(at string, names []string, ports []int) {
	for i, port := range ports {
		field := strictyaml.Key(at, names[i])
		if port < 0 || port > 65535 {
			c.fault(field, "%d is not a port: want 1 to 65535, or 0 for one that is free", port)
		} else if first := slices.Index(ports, port); first < i && port != 0 {
			c.fault(field, "%d is the port of %s already: want another, or 0 for one that is free", port, names[first])
		}
	}
}

// checkAuthorities judges certificates of authorities.
func (c *checker) checkAuthorities(at, text string) {
	rest := []byte(text)
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil || block.Type != "CERTIFICATE" {
			c.fault(at, `is no certificate: want PEM blocks "CERTIFICATE" and nothing else`)
			return
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			c.fault(at, "cannot be read: %v: want certificates of authorities", err)
			return
		}
		rest = bytes.TrimSpace(rest)
	}
}

// checkBelongs judges whether a field that is for one provider alone is there for another.
func (c *checker) checkBelongs(at string, owner Provider) {
	if provider, ok := c.provider(); ok && provider != owner {
		c.fault(at, "is for the provider %s, and spec.provider is %s: take one of them out", owner, provider)
	}
}
