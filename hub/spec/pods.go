package spec

import (
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Pods says whether the components of a hub of this provider run as pods, and not as processes of this machine.
func (p Provider) Pods() bool { return p != "" && p != ProviderEmbedded }

// Registry is the one registry that every image and every package of the hub comes from.
type Registry struct {
	// Prefix is the host and the path that stand before the name of every image: registry.example.com/mirror.
	Prefix string `json:"prefix"`

	// CA is the authority that the registry's certificate comes from, PEM; empty means one that nodes know.
	CA string `json:"ca,omitempty"`

	// DockerConfig is the path of a Docker config.json on the machine that installs, which has the login; empty means that
	// there is none. Only the entry of this registry is taken, and never written to Git.
	DockerConfig string `json:"dockerConfig,omitempty"`
}

// Ingress is how people reach the hub's pages.
type Ingress struct {
	// Class is the ingress class of the controller; empty means, on ProviderKind, that of the hub's own.
	Class string `json:"class,omitempty"`

	// Domain is what the names of pages end in: argocd.DOMAIN. Empty means, on ProviderKind, NAME.localhost, which every
	// browser and curl take to be this machine (RFC 6761, section 6.3).
	Domain string `json:"domain,omitempty"`
}

// checkPods judges what is for components that run as pods.
func (c *checker) checkPods() {
	s := c.hub.Spec
	const reason = "is for components that run as pods, and with provider embedded they run as processes: take this out"
	if provider, _ := c.provider(); provider == ProviderEmbedded {
		given := []bool{s.Charts != "", s.Registry != nil, s.Ingress != nil}
		for i, field := range []string{"charts", "registry", "ingress"} {
			if given[i] {
				c.fault("spec."+field, reason)
			}
		}
		for _, name := range Components() {
			if s.Components[name].Chart != nil {
				c.fault(strictyaml.Key("spec.components", name)+".chart", reason)
			}
		}
	}
	c.checkSource()
	c.checkCharts()
	c.checkRegistry()
	c.checkIngress()
}

// checkSource judges where charts come from.
func (c *checker) checkSource() {
	const at = "spec.charts"
	charts := c.hub.Spec.Charts
	scheme, rest, is := strings.Cut(charts, "://")
	if !is {
		if charts != "" && !filepath.IsAbs(charts) {
			c.fault(at, "%s is a relative path, which means something else wherever it is read: want an absolute one, or "+
				"give it with --charts", strictyaml.Quote(charts))
		}
		return
	}
	u, err := url.Parse(charts)
	switch {
	case scheme != "https" && scheme != "oci" || rest == "" || err != nil || u.Hostname() == "":
		c.fault(at, "is neither a folder nor a URL of charts: want a path, https://HOST/PATH or oci://HOST/PATH")
	case u.User != nil:
		c.fault(at, "has a user or password in it, which would end up in Git: take that out, and log in with "+
			"`helm registry login`")
	}
}

// checkCharts judges which charts components come from.
func (c *checker) checkCharts() {
	for _, name := range Components() {
		chart := c.hub.Spec.Components[name].Chart
		if chart == nil {
			continue
		}
		at := strictyaml.Key("spec.components", name) + ".chart"
		if provider, ok := c.provider(); (name == Gitea || name == Traefik) && ok && provider.Pods() {
			c.fault(at, "%s comes with a chart of backstack's own, and none of upstream's: take this out", name)
		}
		if chart.Version != "" {
			if err := chart.Version.Check("1.2.3"); err != nil {
				c.fault(at+".version", "%v", err)
			}
		}
		if chart.Digest != "" && !digestPattern.MatchString(chart.Digest) {
			c.fault(at+".digest", "is not a digest: want sha256: and 64 hexadecimal digits, as `sha256sum` prints them")
		}
	}
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// checkRegistry judges where images come from.
func (c *checker) checkRegistry() {
	registry := c.hub.Spec.Registry
	if registry == nil {
		return
	}
	const at = "spec.registry.prefix"
	switch u, err := url.Parse("https://" + registry.Prefix); {
	case registry.Prefix == "":
		c.fault(at, "is missing: want the host and path that stand before the name of every image, such as "+
			"registry.example.com/mirror")
	case strings.Contains(registry.Prefix, "@"):
		c.fault(at, "has a user or password in it, which would end up in Git: take that out, and name a Docker config.json "+
			"with the login in spec.registry.dockerConfig")
	case strings.Contains(registry.Prefix, "://"), err != nil, u.Hostname() == "", u.RawQuery != "", u.Fragment != "",
		strings.HasSuffix(registry.Prefix, "/"):
		c.fault(at, "%s is no prefix of images: want a host and a path such as registry.example.com/mirror, without "+
			"https:// and without a / at its end", strictyaml.Quote(registry.Prefix))
	}
	c.checkAuthorities("spec.registry.ca", registry.CA)
	if registry.DockerConfig != "" && !filepath.IsAbs(registry.DockerConfig) {
		c.fault("spec.registry.dockerConfig", "%s is not an absolute path: want one such as /home/me/.docker/config.json",
			strictyaml.Quote(registry.DockerConfig))
	}
}

// checkIngress judges how people reach pages.
func (c *checker) checkIngress() {
	ingress := c.hub.Spec.Ingress
	if ingress == nil {
		return
	}
	if ingress.Domain != "" && len(validation.IsDNS1123Subdomain(ingress.Domain)) > 0 {
		c.fault("spec.ingress.domain", "%s is not a domain: want a name such as hub.example.com",
			strictyaml.Quote(ingress.Domain))
	}
	if ingress.Class != "" && len(validation.IsDNS1123Subdomain(ingress.Class)) > 0 {
		c.fault("spec.ingress.class", "%s is no name of an ingress class: `kubectl get ingressclasses` lists them",
			strictyaml.Quote(ingress.Class))
	}
	provider, ok := c.provider()
	if !ok || !provider.Pods() || c.ownIngress() {
		return
	}
	hub := "a hub on provider " + string(provider)
	if provider == ProviderKind {
		hub = "a hub without Traefik"
	}
	values := []string{ingress.Class, ingress.Domain}
	for i, field := range []string{"class", "domain"} {
		if values[i] == "" {
			c.fault("spec.ingress."+field, "is missing: %s has no ingress controller of its own, so it wants the class of the "+
				"cluster's and a domain that leads to it; without spec.ingress pages are reached by port-forwarding", hub)
		}
	}
}

// ownIngress says whether the hub brings an ingress controller.
func (c *checker) ownIngress() bool {
	enabled := c.hub.Spec.Components[Traefik].Enabled
	return c.hub.Spec.Provider == ProviderKind && (enabled == nil || *enabled)
}
