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
// mappings are nil; Embedded and Kind are there exactly for their providers. Resolving twice changes nothing more.
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
	if s.Provider == ProviderKind {
		s.Kind = s.Kind.resolve()
	}
	if s.Components == nil {
		s.Components = make(map[string]Component)
	}
	for _, name := range Components() {
		s.Components[name] = s.Components[name].resolve(s.has(name), name)
	}
	s.resolveIngress(r.Metadata.Name)
	return r
}

// has says whether a hub has a component unless it says otherwise. Gitea is for a hub whose repositories do not lie
// elsewhere, Traefik for one whose cluster has no other ingress controller.
func (s *Spec) has(component string) bool {
	switch component {
	case Gitea:
		return !s.Repositories.given()
	case Traefik:
		return s.Provider == ProviderKind
	}
	return true
}

// resolve returns the cluster with its empty lists and mappings nil.
func (k *KindCluster) resolve() *KindCluster {
	if k == nil {
		return new(KindCluster)
	}
	if len(k.PortMappings) == 0 {
		k.PortMappings = nil
	}
	if len(k.Mounts) == 0 {
		k.Mounts = nil
	}
	if len(k.Mirrors) == 0 {
		k.Mirrors = nil
	}
	return k
}

// resolveIngress fills in how the pages of a hub called name are reached on kind.
func (s *Spec) resolveIngress(name string) {
	if s.Provider != ProviderKind || !*s.Components[Traefik].Enabled {
		return
	}
	if s.Ingress == nil {
		s.Ingress = new(Ingress)
	}
	if s.Ingress.Class == "" {
		s.Ingress.Class = Traefik
	}
	if s.Ingress.Domain == "" {
		s.Ingress.Domain = name + ".localhost"
	}
}

// resolve returns the component called name with its defaults filled in.
func (c Component) resolve(enabled bool, name string) Component {
	if c.Enabled == nil {
		c.Enabled = &enabled
	}
	if c.Chart != nil {
		c.Chart.Version = c.Chart.Version.bare()
		if *c.Chart == (Chart{}) {
			c.Chart = nil
		}
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

// untouched says whether nothing is said of the component but whether it is enabled.
func (c Component) untouched() bool { return c.Version == "" && c.Chart == nil && len(c.Values) == 0 }

// clone returns a copy of the hub that shares nothing with it.
func (h *Hub) clone() *Hub {
	c := *h
	s := &c.Spec
	s.Repositories = clonePointer(s.Repositories)
	s.Beads = clonePointer(s.Beads)
	s.Embedded = clonePointer(s.Embedded)
	s.Kind = clonePointer(s.Kind)
	if s.Kind != nil {
		s.Kind.PortMappings = slices.Clone(s.Kind.PortMappings)
		s.Kind.Mounts = slices.Clone(s.Kind.Mounts)
		s.Kind.Mirrors = maps.Clone(s.Kind.Mirrors)
	}
	s.Existing = clonePointer(s.Existing)
	s.Registry = clonePointer(s.Registry)
	s.Ingress = clonePointer(s.Ingress)
	s.Policies.Namespaces = slices.Clone(s.Policies.Namespaces)
	s.Components = maps.Clone(s.Components)
	for name, component := range s.Components {
		component.Enabled = clonePointer(component.Enabled)
		component.Chart = clonePointer(component.Chart)
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
