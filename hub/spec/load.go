package spec

import (
	"errors"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Load returns the hub that data, a YAML document, describes, with the overrides laid over it in their order. It holds
// what was written and no defaults. source is what faults call data, usually hub.yaml.
//
// The error is nil or, found with errors.As, strictyaml.Faults: everything that is wrong with data, with the overrides,
// and with the values that they amount to together.
func Load(data []byte, source string, overrides ...Override) (*Hub, error) {
	h := new(Hub)
	document, err := strictyaml.Decode(data, source, h)
	c := checker{hub: h, document: document}
	errors.As(err, &c.faults)
	c.override(overrides)
	if document != nil {
		c.check()
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	return h, nil
}

// Validate returns everything that is wrong with the hub, as strictyaml.Faults without a source, or nil.
func (h *Hub) Validate() error {
	c := checker{hub: h}
	c.check()
	return c.err()
}

// Marshal returns the resolved hub as canonical YAML: fields in the order of the types, keys of mappings sorted, and
// the same bytes for the same hub. Load and Resolve read it as the resolved hub. Versions that are the pinned ones are
// left out: the next version of backstack pins others, and could not tell them from what a person asked for. So is a
// component that the hub's provider cannot have, or every hub.yaml would tell of what is not there.
func Marshal(h *Hub) ([]byte, error) {
	r := Resolve(h)
	for name, component := range r.Spec.Components {
		if component.Version == PinnedVersion(name) {
			component.Version = ""
		}
		r.Spec.Components[name] = component
		if name == Traefik && r.Spec.Provider != ProviderKind && component.untouched() {
			delete(r.Spec.Components, name)
		}
	}
	return strictyaml.Encode(r)
}
