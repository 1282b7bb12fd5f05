package artifact

import (
	"errors"
	"fmt"
	"strings"

	"oras.land/oras-go/v2/registry"
)

// Scheme begins the text of a reference to an artifact in a registry.
const Scheme = "oci://"

// Reference names an artifact in a registry, or its repository if Reference.Reference is empty.
type Reference struct{ registry.Reference }

// ParseReference reads oci://HOST/REPOSITORY, with :TAG or @sha256:HEX behind it or neither. Of both, the digest
// counts.
func ParseReference(text string) (Reference, error) {
	const want = "want oci://HOST/REPOSITORY:TAG or oci://HOST/REPOSITORY@sha256:HEX"
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return Reference{}, fmt.Errorf("%q is no artifact in a registry: %s", text, want)
	}
	if host, _, _ := strings.Cut(rest, "/"); strings.Contains(host, "@") {
		// The text is not repeated: it may hold a password.
		return Reference{}, errors.New("there are credentials before the host of the registry: " +
			"want none, those of the Docker configuration are used")
	}
	parsed, err := registry.ParseReference(rest)
	if err != nil {
		return Reference{}, fmt.Errorf("%q is no artifact in a registry: %w: %s", text, err, want)
	}
	if strings.HasSuffix(rest, ":") {
		return Reference{}, fmt.Errorf("%q ends where a tag should be: %s", text, want)
	}
	if strings.Contains(rest, "@") && !strings.HasPrefix(parsed.Reference, "sha256:") {
		return Reference{}, fmt.Errorf("%q has no digest that can be checked: %s", text, want)
	}
	return Reference{parsed}, nil
}

// String returns the text that ParseReference reads.
func (r Reference) String() string { return Scheme + r.Reference.String() }

// At returns the reference to another tag or digest of the same repository.
func (r Reference) At(tagOrDigest string) Reference {
	r.Reference.Reference = tagOrDigest
	return r
}

// IsDigest says whether the reference names content that cannot change.
func (r Reference) IsDigest() bool { return strings.Contains(r.Reference.Reference, ":") }

// tagFor is the tag of a version. A tag cannot hold the + of a version's build metadata, and an underscore, which no
// version holds, stands for it, as it does in repositories of Helm charts.
func tagFor(version string) string { return strings.ReplaceAll(version, "+", "_") }

// versionOf is the version that a tag was made for.
func versionOf(tag string) string { return strings.ReplaceAll(tag, "_", "+") }
