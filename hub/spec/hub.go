// Package spec is the Hub: what hub.yaml can say, what it means where it says nothing, and all that can be wrong with
// it without looking at a machine, a cluster or a repository.
//
// A Hub goes through three states. Load, or Default and ApplySet, give a Hub that holds what was written and nothing
// else. Validate says whether that makes sense; Load and ApplySet call it. Resolve fills in every default, and a
// resolved Hub is what the rest of backstack works with. What backstack works out from a Hub follows from it alone:
// nothing here reads the environment, the clock or the network.
package spec

// What every hub.yaml begins with.
const (
	APIVersion = "backstack.dev/v1alpha1"
	Kind       = "Hub"
)

// MaxNameLength is the length, in characters, over which the name of a hub is refused. Names such as
// <hub>-control-plane are made of it, and those may have 63.
const MaxNameLength = 40

// Hub is a hub as hub.yaml describes it.
type Hub struct {
	APIVersion string   `json:"apiVersion"` // always APIVersion
	Kind       string   `json:"kind"`       // always Kind
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata says which hub it is.
type Metadata struct {
	// Name is a DNS label of at most MaxNameLength characters. It tells hubs on one machine apart.
	Name string `json:"name"`
}

// Spec is what the hub shall be.
type Spec struct {
	// Provider is where the hub runs; empty means ProviderEmbedded.
	Provider Provider `json:"provider"`

	// Repositories is where the hub's two repositories lie; nil or empty means the Gitea that is part of the hub.
	Repositories *Repositories `json:"repositories,omitempty"`

	// Components says how components differ from what backstack makes of them; the keys are those of Components.
	// A component that is missing is as backstack makes it.
	Components map[string]Component `json:"components,omitempty"`

	// Policies is what the hub lets in.
	Policies Policies `json:"policies"`

	// Beads says which Beads the hub takes; nil means any.
	Beads *Beads `json:"beads,omitempty"`

	// Charts is where all of upstream's charts come from: a folder of archives on the machine that installs, or the URL
	// of a chart repository (https://) or registry (oci://). Empty means the repositories of the charts' own authors.
	// It is for providers whose components run as pods, as are Registry and Ingress.
	Charts string `json:"charts,omitempty"`

	// Registry is the one registry that every image comes from; nil means each image's own.
	Registry *Registry `json:"registry,omitempty"`

	// Ingress is how people reach the hub's pages; nil means by port-forwarding. On ProviderKind it is always there.
	Ingress *Ingress `json:"ingress,omitempty"`

	// Embedded is for ProviderEmbedded alone; elsewhere it is nil.
	Embedded *Embedded `json:"embedded,omitempty"`

	// Kind is for ProviderKind alone; elsewhere it is nil.
	Kind *KindCluster `json:"kind,omitempty"`

	// Existing is for ProviderExisting alone; elsewhere it is nil.
	Existing *Existing `json:"existing,omitempty"`
}

// Repositories is where the hub's two repositories lie, both or neither: https URLs without a user, for hub.yaml is
// itself in Git.
type Repositories struct {
	Hub      string `json:"hub"`      // what the hub is made of
	Requests string `json:"requests"` // clusters and applications that people asked for
}

// given reports whether the hub's repositories lie somewhere else than in the hub.
func (r *Repositories) given() bool {
	return r != nil && (r.Hub != "" || r.Requests != "")
}

// Component is how one component differs from what backstack makes of it.
type Component struct {
	// Enabled says whether the hub has the component; nil means that it has. Argo CD cannot be disabled. Gitea is
	// enabled exactly if the hub's repositories lie in it.
	Enabled *bool `json:"enabled,omitempty"`

	// Version is the version of the component; empty means PinnedVersion.
	Version Version `json:"version,omitempty"`

	// Chart is which of upstream's charts the component is installed from, where it runs as pods; nil means the pinned
	// one.
	Chart *Chart `json:"chart,omitempty"`

	// Values are Helm values that are laid over those of backstack: what JSON can hold, in the types that
	// encoding/json decodes to, but int64 for integers.
	Values map[string]any `json:"values,omitempty"`
}

// Chart is a version of upstream's chart of a component.
type Chart struct {
	// Version is that of the chart, which is not the component's; empty means the one that this backstack pins.
	Version Version `json:"version,omitempty"`

	// Digest is that of the chart's archive, sha256:HEX; an archive with another is refused. Empty means the one that this
	// backstack pins for the version, and otherwise that of the first archive that the hub gets.
	Digest string `json:"digest,omitempty"`
}

// Policies is what the hub lets in.
type Policies struct {
	// Mode is what becomes of what a policy is against; empty means ModeAudit.
	Mode Mode `json:"mode"`

	// Namespaces are allowed on the hub beside its own; DNS labels.
	Namespaces []string `json:"namespaces,omitempty"`
}

// Beads says which Beads a hub takes.
type Beads struct {
	// PublicKey is the public half of a cosign key, PEM. With one, the hub takes Beads of the library and signed ones of
	// registries, and no others.
	PublicKey string `json:"publicKey,omitempty"`
}

// Embedded is how the hub runs on this machine without a container engine.
type Embedded struct {
	Ports Ports `json:"ports"`
}

// Ports are the ports, on the loopback address, that the hub can be reached at. 0 means that a free one is chosen.
type Ports struct {
	Kubernetes int `json:"kubernetes"` // the Kubernetes API
	ArgoCD     int `json:"argocd"`     // Argo CD's API and pages
	Gitea      int `json:"gitea"`      // Git over HTTP, and Gitea's API
}
