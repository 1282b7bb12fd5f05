package spec

import (
	"crypto/x509"
	"encoding/pem"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkHeader judges what says that the document is a Hub, and which.
func (c *checker) checkHeader() {
	c.checkConstant("apiVersion", c.hub.APIVersion, APIVersion)
	c.checkConstant("kind", c.hub.Kind, Kind)
	const path = "metadata.name"
	name := c.hub.Metadata.Name
	if name == "" {
		c.fault(path, "is missing: want a DNS label of at most %d characters, such as demo", MaxNameLength)
		return
	}
	if len(name) > MaxNameLength {
		c.fault(path, "has %d characters: want at most %d, for names such as <hub>-control-plane are made of it, "+
			"and may have %d", len(name), MaxNameLength, validation.DNS1123LabelMaxLength)
	}
	c.checkLabel(path, name)
}

// checkConstant judges a value that can only be one.
func (c *checker) checkConstant(path, value, want string) {
	switch value {
	case want:
	case "":
		c.fault(path, "is missing: want %s", want)
	default:
		c.fault(path, "%s is not what a Hub has here: want %s", strictyaml.Quote(value), want)
	}
}

// checkLabel judges the letters of a DNS label, not its length.
func (c *checker) checkLabel(path, label string) {
	tooLong := validation.MaxLenError(validation.DNS1123LabelMaxLength)
	for _, problem := range validation.IsDNS1123Label(label) {
		if problem != tooLong {
			c.fault(path, `%s is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end`,
				strictyaml.Quote(label))
		}
	}
}

// checkProvider judges where the hub runs.
func (c *checker) checkProvider() {
	if p := c.hub.Spec.Provider; p != "" && !slices.Contains(Providers(), p) {
		c.fault("spec.provider", "%s is not a provider: %s", strictyaml.Quote(string(p)),
			strictyaml.OneOf(string(p), words(Providers())))
	}
}

// checkComponents judges each component by itself, and which there are.
func (c *checker) checkComponents() {
	for _, name := range slices.Sorted(maps.Keys(c.hub.Spec.Components)) {
		path := strictyaml.Key("spec.components", name)
		if !slices.Contains(Components(), name) {
			c.fault(path, "there is no such component: %s", strictyaml.OneOf(name, Components()))
			continue
		}
		component := c.hub.Spec.Components[name]
		if component.Version != "" {
			if err := component.Version.Check(PinnedVersion(name)); err != nil {
				c.fault(path+".version", "%v", err)
			}
		}
		if component.Enabled != nil {
			c.checkEnabled(path+".enabled", name, *component.Enabled)
		}
	}
}

// checkEnabled judges whether a component may be, or may not be, on the hub.
func (c *checker) checkEnabled(path, name string, enabled bool) {
	elsewhere := c.hub.Spec.Repositories.given()
	provider, known := c.provider()
	switch {
	case name == ArgoCD && !enabled:
		c.fault(path, "Argo CD delivers everything else and cannot be disabled: take this out")
	case name == Gitea && !enabled && !elsewhere:
		c.fault(path, "without Gitea the hub's repositories lie nowhere: take this out, or fill in spec.repositories")
	case name == Gitea && enabled && elsewhere:
		c.fault(path, "Gitea is for a hub whose repositories lie in it: take this out, or spec.repositories")
	case name == Traefik && enabled && known && provider != ProviderKind:
		c.fault(path, "Traefik is the ingress controller of a hub on kind: take this out; spec.ingress names another "+
			"cluster's")
	}
}

// checkPolicies judges what the hub lets in.
func (c *checker) checkPolicies() {
	policies := c.hub.Spec.Policies
	if m := policies.Mode; m != "" && !slices.Contains(Modes(), m) {
		c.fault("spec.policies.mode", "%s is not a mode: %s", strictyaml.Quote(string(m)),
			strictyaml.OneOf(string(m), words(Modes())))
	}
	first := make(map[string]int, len(policies.Namespaces))
	for i, namespace := range policies.Namespaces {
		path := strictyaml.Index("spec.policies.namespaces", i)
		if len(namespace) > validation.DNS1123LabelMaxLength {
			c.fault(path, "has %d characters: want at most %d", len(namespace), validation.DNS1123LabelMaxLength)
		}
		c.checkLabel(path, namespace)
		if earlier, twice := first[namespace]; twice && namespace != "" {
			c.fault(path, "%s is item %d already: take one out", strictyaml.Quote(namespace), earlier)
		} else {
			first[namespace] = i
		}
	}
}

// checkBeads judges which Beads the hub takes.
func (c *checker) checkBeads() {
	if c.hub.Spec.Beads == nil || c.hub.Spec.Beads.PublicKey == "" {
		return
	}
	block, _ := pem.Decode([]byte(c.hub.Spec.Beads.PublicKey))
	if block == nil || block.Type != "PUBLIC KEY" {
		c.fault("spec.beads.publicKey", `is no public key: want the PEM block "PUBLIC KEY" of a cosign.pub`)
	} else if _, err := x509.ParsePKIXPublicKey(block.Bytes); err != nil {
		c.fault("spec.beads.publicKey", "cannot be read: %v: want the content of a cosign.pub", err)
	}
}

// checkEmbedded judges what is for the embedded provider alone.
func (c *checker) checkEmbedded() {
	embedded := c.hub.Spec.Embedded
	if embedded == nil {
		return
	}
	c.checkBelongs("spec.embedded", ProviderEmbedded)
	c.checkPorts("spec.embedded.ports", strictyaml.Fields(embedded.Ports),
		[]int{embedded.Ports.Kubernetes, embedded.Ports.ArgoCD, embedded.Ports.Gitea})
}
