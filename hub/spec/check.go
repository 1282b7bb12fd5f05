package spec

import (
	"cmp"
	"slices"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// checker collects what is wrong with a hub. It knows where the hub's values came from, so that each fault names the
// place where it can be mended.
type checker struct {
	hub      *Hub
	document *strictyaml.Document // nil if the hub came from none
	applied  []Override           // in their order
	refused  []Override

	faults      strictyaml.Faults // in the document, or in a hub from nowhere
	flagsFaults strictyaml.Faults // in overrides
}

// err returns all faults, those in the document first.
func (c *checker) err() error {
	return append(c.faults, c.flagsFaults...).Err()
}

// override lays the overrides over the hub.
func (c *checker) override(overrides []Override) {
	for _, o := range overrides {
		if o.problem != "" {
			c.flagsFaults = append(c.flagsFaults, strictyaml.Fault{Source: o.flag, Message: o.problem})
			continue
		}
		if faults := o.apply(c.hub); len(faults) > 0 {
			c.flagsFaults = append(c.flagsFaults, faults...)
			c.refused = append(c.refused, o)
			continue
		}
		c.applied = append(c.applied, o)
	}
}

// fault records what is wrong with the value at path, unless that value could not be read, which is recorded already.
func (c *checker) fault(path, format string, args ...any) {
	fault := c.document.Fault(path, format, args...)
	for i := len(c.applied) - 1; i >= 0; i-- {
		o := c.applied[i]
		around := strictyaml.Within(o.path, path) && !c.document.Has(path)
		if strictyaml.Within(path, o.path) || around {
			fault.Source, fault.Line, fault.Column = o.flag, 0, 0
			c.flagsFaults = append(c.flagsFaults, fault)
			return
		}
	}
	for _, o := range c.refused {
		if strictyaml.Within(path, o.path) && !c.document.Has(path) {
			return
		}
	}
	if !c.document.Unread(path) {
		c.faults = append(c.faults, fault)
	}
}

// provider returns where the hub runs, and false if what the hub says is no provider, which is a fault of its own and
// no reason for others.
func (c *checker) provider() (Provider, bool) {
	provider := cmp.Or(c.hub.Spec.Provider, ProviderEmbedded)
	return provider, slices.Contains(Providers(), provider)
}

// check judges every value of the hub.
func (c *checker) check() {
	c.checkHeader()
	c.checkProvider()
	c.checkRepositories()
	c.checkComponents()
	c.checkPolicies()
	c.checkBeads()
	c.checkPods()
	c.checkEmbedded()
	c.checkKind()
	c.checkExisting()
}
