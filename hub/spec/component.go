package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// The names of the components of a hub.
const (
	ArgoCD     = "argocd"
	Crossplane = "crossplane"
	Gitea      = "gitea"
	Kyverno    = "kyverno"
	Traefik    = "traefik" // the ingress controller of a hub on kind
)

// Components returns the names of the components of a hub, sorted.
func Components() []string {
	return []string{ArgoCD, Crossplane, Gitea, Kyverno, Traefik}
}

// PinnedVersion returns the version of a component that this version of backstack was tested with, and that a hub gets
// unless it says otherwise; it is empty if there is no such component.
func PinnedVersion(component string) Version {
	switch component {
	case ArgoCD:
		return "3.5.7"
	case Crossplane:
		return "2.4.0"
	case Gitea:
		return "1.25.2"
	case Kyverno:
		return "1.19.1"
	case Traefik:
		return "3.6.7"
	}
	return ""
}

// Version is a full semantic version, such as 1.19.1 or v1.20.0-rc.1.
type Version string

// UnmarshalText takes the text of a version as it stands in a file. That 1.19 without quotes is a number to YAML is not
// what is wrong with it, so it is taken here, and Check says what is.
func (v *Version) UnmarshalText(text []byte) error {
	*v = Version(text)
	return nil
}

// Check returns what is wrong with the version, or nil. The error names a version that would be right, like.
func (v Version) Check(like Version) error {
	_, err := semver.StrictNewVersion(string(v.bare()))
	if err == nil {
		return nil
	}
	reason := ""
	if !errors.Is(err, semver.ErrInvalidSemVer) && strings.Count(string(v), ".") > 1 {
		reason = " (" + err.Error() + ")"
	}
	return fmt.Errorf("%s is not a full version: want three numbers such as %s%s", strictyaml.Quote(string(v)), like,
		reason)
}

// bare returns the version without the v that may stand before it.
func (v Version) bare() Version {
	return Version(strings.TrimPrefix(string(v), "v"))
}
