package spec

import (
	"maps"
	"slices"
)

// Default returns the smallest hub with the name. It holds no defaults; Resolve fills them in.
func Default(name string) *Hub {
	return &Hub{APIVersion: APIVersion, Kind: Kind, Metadata: Metadata{Name: name}}
}

// Resolve returns a copy of the hub, which is to be valid, with every default filled in and everything written in one
// way: all components are there with their versions, without a v, and whether they are enabled; empty lists and
// mappings are nil; Embedded is there exactly for ProviderEmbedded. Resolving twice changes nothing more.
func Resolve(h *Hub) *Hub {
	r := h.clone()
	s := &r.Spec
	if s.Provider == "" {
		s.Provider = ProviderEmbedded
	}
	if !s.Repositories.given() {
		s.Repositories = nil
	}
	if s.Policies.Mode == "" {
		s.Policies.Mode = ModeAudit
	}
	if len(s.Policies.Namespaces) == 0 {
		s.Policies.Namespaces = nil
	}
	if s.Beads != nil && *s.Beads == (Beads{}) {
		s.Beads = nil
	}
	if s.Provider == ProviderEmbedded && s.Embedded == nil {
		s.Embedded = new(Embedded)
	}
	if s.Components == nil {
		s.Components = make(map[string]Component)
	}
	for _, name := range Components() {
		s.Components[name] = s.Components[name].resolve(name, s.Repositories.given())
	}
	return r
}

// resolve returns the component called name with its defaults filled in. Gitea is for a hub whose repositories do not
// lie elsewhere.
func (c Component) resolve(name string, elsewhere bool) Component {
	if c.Enabled == nil {
		enabled := name != Gitea || !elsewhere
		c.Enabled = &enabled
	}
	c.Version = c.Version.bare()
	if c.Version == "" {
		c.Version = PinnedVersion(name)
	}
	if len(c.Values) == 0 {
		c.Values = nil
	}
	return c
}

// clone returns a copy of the hub that shares nothing with it.
func (h *Hub) clone() *Hub {
	c := *h
	s := &c.Spec
	s.Repositories = clonePointer(s.Repositories)
	s.Beads = clonePointer(s.Beads)
	s.Embedded = clonePointer(s.Embedded)
	s.Policies.Namespaces = slices.Clone(s.Policies.Namespaces)
	s.Components = maps.Clone(s.Components)
	for name, component := range s.Components {
		component.Enabled = clonePointer(component.Enabled)
		if component.Values != nil {
			component.Values = cloneValue(component.Values).(map[string]any)
		}
		s.Components[name] = component
	}
	return &c
}

// clonePointer returns a pointer to a copy of what p points to.
func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// cloneValue returns a deep copy of a value that JSON can hold.
func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for key, item := range v {
			c[key] = cloneValue(item)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, item := range v {
			c[i] = cloneValue(item)
		}
		return c
	}
	return value
}
