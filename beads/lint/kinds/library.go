package kinds

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// ErrUnknownGroup says that nothing is known of the API group of a kind: it may well exist.
var ErrUnknownGroup = errors.New("no schema of this API group is known")

// Library finds kinds. It can be used from several goroutines, once everything is added.
type Library struct {
	sources []source
	mutex   sync.Mutex
	found   map[schema.GroupVersionKind]*result
}

// result is what was found of a kind.
type result struct {
	once sync.Once
	kind *Kind
	err  error
}

// source has definitions.
type source interface {
	// definition returns what defines a kind, nil if the source does not have it.
	definition(schema.GroupKind) (*Definition, error)
	// kinds lists the kinds of a group.
	kinds(group string) []string
}

// NewLibrary returns a Library of Kubernetes' own kinds and those of a hub's components.
func NewLibrary() *Library {
	return &Library{sources: []source{components{}}, found: make(map[schema.GroupVersionKind]*result)}
}

// Add adds a definition. What is added later comes first.
func (l *Library) Add(d *Definition) { l.sources = slices.Insert(l.sources, 0, source(single{d})) }

// AddFolder adds the definitions of a folder.
func (l *Library) AddFolder(f *Folder) { l.sources = append(l.sources, f) }

// Find returns a kind. The error is ErrUnknownGroup, or says that there is no such kind, or not in this version, and
// what there is.
func (l *Library) Find(gvk schema.GroupVersionKind) (*Kind, error) {
	l.mutex.Lock()
	r, ok := l.found[gvk]
	if !ok {
		r = new(result)
		l.found[gvk] = r
	}
	l.mutex.Unlock()
	r.once.Do(func() { r.kind, r.err = l.find(gvk) })
	return r.kind, r.err
}

func (l *Library) find(gvk schema.GroupVersionKind) (*Kind, error) {
	for _, source := range l.sources {
		definition, err := source.definition(gvk.GroupKind())
		if err != nil {
			return nil, err
		}
		if definition == nil {
			continue
		}
		kind, err := definition.version(gvk.Version)
		if kind == nil && err == nil {
			err = fmt.Errorf("%s %s has no version %s: want %s",
				gvk.Group, gvk.Kind, gvk.Version, strictyaml.OneOf(gvk.Version, definition.Served()))
		}
		return kind, err
	}
	if scheme.Scheme.Recognizes(gvk) {
		return builtIn(gvk)
	}
	kinds := l.Kinds(gvk.Group)
	if len(kinds) == 0 {
		return nil, ErrUnknownGroup
	}
	if versions := builtInVersions(gvk); len(versions) > 0 {
		return nil, fmt.Errorf("%s has no %s: want %s", gvk.GroupVersion(), gvk.Kind, strings.Join(versions, " or "))
	}
	group := gvk.Group
	if group == "" {
		group = "core"
	}
	message := fmt.Sprintf("the API group %s has no kind %s", group, gvk.Kind)
	if nearest, ok := strictyaml.Nearest(gvk.Kind, kinds); ok {
		message += fmt.Sprintf(" (did you mean %s?)", nearest)
	}
	return nil, errors.New(message)
}

// Kinds lists what is known of a group, sorted.
func (l *Library) Kinds(group string) []string {
	found := make(map[string]bool)
	for _, source := range l.sources {
		for _, kind := range source.kinds(group) {
			found[kind] = true
		}
	}
	for _, version := range scheme.Scheme.VersionsForGroupKind(schema.GroupKind{Group: group, Kind: "ListOptions"}) {
		for kind := range scheme.Scheme.KnownTypes(version) {
			if !strings.HasSuffix(kind, "List") && !strings.HasSuffix(kind, "Options") && kind != "WatchEvent" {
				found[kind] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// builtInVersions lists the versions of Kubernetes' own group that have a kind.
func builtInVersions(gvk schema.GroupVersionKind) []string {
	var versions []string
	for _, version := range scheme.Scheme.VersionsForGroupKind(gvk.GroupKind()) {
		versions = append(versions, version.String())
	}
	return versions
}

// single is the source of one definition.
type single struct{ *Definition }

func (s single) definition(kind schema.GroupKind) (*Definition, error) {
	if kind.Group == s.Group && kind.Kind == s.Kind {
		return s.Definition, nil
	}
	return nil, nil
}

func (s single) kinds(group string) []string {
	if group != s.Group {
		return nil
	}
	return []string{s.Kind}
}
