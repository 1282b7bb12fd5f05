package spec

import (
	"errors"
	"slices"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Provider is where a hub runs. It is a flag's value: a word that is no provider is refused while flags are parsed.
type Provider string

// The providers.
const (
	ProviderEmbedded Provider = "embedded" // a control plane on this machine, without a container engine
	ProviderKind     Provider = "kind"     // a kind cluster
	ProviderEKS      Provider = "eks"      // a cluster on Amazon's cloud
	ProviderGKE      Provider = "gke"      // a cluster on Google's cloud
	ProviderExisting Provider = "existing" // a cluster that someone else made
)

// Providers returns all providers, the default one first.
func Providers() []Provider {
	return []Provider{ProviderEmbedded, ProviderKind, ProviderEKS, ProviderGKE, ProviderExisting}
}

// String returns the provider as it is written, empty if there is none.
func (p *Provider) String() string { return string(*p) }

// Set takes the name of a provider; it is for flags. The error says what would be right.
func (p *Provider) Set(name string) error { return setWord(p, name, Providers()) }

// Type returns what help texts call the value.
func (p *Provider) Type() string { return "provider" }

// UnmarshalText takes the text of a provider as it stands in a file. Validate says whether it is one: that true without
// quotes is no string to YAML would lead to quotes around it, which would be no better.
func (p *Provider) UnmarshalText(text []byte) error {
	*p = Provider(text)
	return nil
}

// Mode is what becomes of what a policy is against. It is a flag's value, as Provider is.
type Mode string

// The modes.
const (
	ModeAudit   Mode = "Audit"   // it is let in and reported
	ModeEnforce Mode = "Enforce" // it is refused
)

// Modes returns all modes, the default one first.
func Modes() []Mode { return []Mode{ModeAudit, ModeEnforce} }

// String returns the mode as it is written, empty if there is none.
func (m *Mode) String() string { return string(*m) }

// Set takes the name of a mode; it is for flags. The error says what would be right.
func (m *Mode) Set(name string) error { return setWord(m, name, Modes()) }

// Type returns what help texts call the value.
func (m *Mode) Type() string { return "mode" }

// UnmarshalText takes the text of a mode as it stands in a file; see Provider.
func (m *Mode) UnmarshalText(text []byte) error {
	*m = Mode(text)
	return nil
}

// setWord sets target to name if that is one of all.
func setWord[W ~string](target *W, name string, all []W) error {
	if !slices.Contains(all, W(name)) {
		return errors.New(strictyaml.OneOf(name, words(all)))
	}
	*target = W(name)
	return nil
}

// words returns all as strings.
func words[W ~string](all []W) []string {
	list := make([]string, len(all))
	for i, word := range all {
		list[i] = string(word)
	}
	return list
}
