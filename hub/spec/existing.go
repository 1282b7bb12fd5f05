package spec

import (
	"path/filepath"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Existing is the cluster, made by someone else, that a hub runs on.
type Existing struct {
	// Context is the context of the kubeconfig that names the cluster. It has to be given: a hub does not guess which
	// cluster it takes.
	Context string `json:"context"`

	// Kubeconfig is the path of the kubeconfig, or several as in KUBECONFIG; empty means what kubectl takes: KUBECONFIG,
	// or ~/.kube/config.
	Kubeconfig string `json:"kubeconfig,omitempty"`

	// Tenants says that the cluster may run other things than the hub.
	Tenants bool `json:"tenants,omitempty"`
}

// checkExisting judges what is for the provider existing alone.
func (c *checker) checkExisting() {
	existing := c.hub.Spec.Existing
	if existing != nil {
		c.checkBelongs("spec.existing", ProviderExisting)
		for _, path := range filepath.SplitList(existing.Kubeconfig) {
			if path != "" && !filepath.IsAbs(path) {
				c.fault("spec.existing.kubeconfig", "%s is a relative path, which means something else wherever it is read: want "+
					"an absolute one, or take this out and have KUBECONFIG name it", strictyaml.Quote(path))
			}
		}
	}
	if c.hub.Spec.Provider == ProviderExisting && (existing == nil || existing.Context == "") {
		c.fault("spec.existing.context", "is missing: want the context of the cluster, as in `kubectl config get-contexts`; "+
			"--context gives it")
	}
}
