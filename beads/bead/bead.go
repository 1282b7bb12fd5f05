// Package bead is the Bead format: what bead.yaml can say, which parts a Bead's folder has, and what they amount to on a
// hub. What it works out follows from the Bead's files, its parameters and the hub's description alone: nothing here
// reads a clock, a cluster or a network.
package bead

// What every bead.yaml begins with.
const (
	APIVersion = "backstack.dev/v1alpha1"
	Kind       = "Bead"
)

// FileName is the file that makes a folder a Bead.
const FileName = "bead.yaml"

// MaxNameLength is the length, in characters, over which the name of a Bead is refused. Names such as
// bead-<name>-<application>-<spoke> are made of it.
const MaxNameLength = 40

// Label is on everything that a Bead brings; its value is the Bead's name.
const Label = "backstack.dev/bead"

// Bead is a Bead as its bead.yaml describes it.
type Bead struct {
	APIVersion string   `json:"apiVersion" jsonschema:"enum=backstack.dev/v1alpha1"`
	Kind       string   `json:"kind" jsonschema:"enum=Bead"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// Metadata says which Bead it is.
type Metadata struct {
	// Name is a DNS label of at most 40 characters. It is unique on a hub.
	Name string `json:"name" jsonschema:"minLength=1,maxLength=40,pattern=^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"`
}

// Spec is what a Bead says of itself.
type Spec struct {
	// Version is the Bead's version, by semantic versioning.
	Version string `json:"version"`

	// Description says in one line what the Bead adds to a hub.
	Description string `json:"description"`

	// License is the SPDX identifier of the licence.
	License string `json:"license,omitempty"`

	// Maintainers are who looks after the Bead.
	Maintainers []Maintainer `json:"maintainers,omitempty"`

	// Requires is what a hub must have before the Bead can be added.
	Requires Requirements `json:"requires,omitempty"`

	// Parameters are what whoever adds the Bead can set: names, each with the JSON Schema of its value. The schema says
	// the type, and the default unless the parameter must be given.
	Parameters map[string]map[string]any `json:"parameters,omitempty"`

	// Secrets are the Secrets that must be in the hub's cluster; never what is in them.
	Secrets []SecretReference `json:"secrets,omitempty"`

	// Applications says more of the applications in application/, and names those whose chart is kept elsewhere.
	Applications []Application `json:"applications,omitempty"`

	// Spokes says which spokes policies/spokes/ is for; all if it is not given.
	Spokes *Selector `json:"spokes,omitempty"`
}

// Maintainer is a person or a team.
type Maintainer struct {
	Name  string `json:"name"`
	Email string `json:"email,omitempty"`
}

// Requirements is what a Bead needs: ranges of versions such as ">=1.2.0 <2.0.0", in the notation of
// https://github.com/Masterminds/semver.
type Requirements struct {
	// Backstack is the range of backstack's own version.
	Backstack string `json:"backstack,omitempty"`

	// Components are ranges of the versions of argocd, crossplane, kyverno and kubernetes.
	Components map[string]string `json:"components,omitempty"`

	// Beads are the Beads that must be there too: names and ranges.
	Beads map[string]string `json:"beads,omitempty"`
}

// SecretReference names a key of a Secret that the Bead uses.
type SecretReference struct {
	Name        string `json:"name"`
	Namespace   string `json:"namespace"`
	Key         string `json:"key"`
	Description string `json:"description,omitempty"`
}

// Application is one application of a Bead.
type Application struct {
	// Name is a DNS label. The application's files are in application/<name>, unless Chart says where they are.
	Name string `json:"name"`

	// Namespace is where objects go that name none; bead-<name of the Bead> if empty. On the hub it begins with bead-.
	Namespace string `json:"namespace,omitempty"`

	// Wave orders a Bead's applications: lower ones are applied first, and healthy before the next begin.
	Wave int `json:"wave,omitempty"`

	// Chart is a chart that is kept elsewhere.
	Chart *ChartReference `json:"chart,omitempty"`

	// Values are Helm values for the chart: YAML text, a template as the files of the Bead are.
	Values string `json:"values,omitempty"`

	// Destination is where the application runs; the hub if it is not given.
	Destination *Destination `json:"destination,omitempty"`
}

// ChartReference is a Helm chart in a repository.
type ChartReference struct {
	Repository string `json:"repository"` // https:// of a chart repository, or oci://
	Name       string `json:"name"`
	Version    string `json:"version"` // one version, not a range
}

// Destination is where an application runs.
type Destination struct {
	Spokes *Selector `json:"spokes,omitempty"`
}

// Selector picks spokes by their labels. One without labels picks all.
type Selector struct {
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
}

// Namespace is where on a hub a Bead's objects are that name no other.
func (b *Bead) Namespace() string { return "bead-" + b.Metadata.Name }
