package beads

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// Entry is a Bead in a list.
type Entry struct {
	Name        string `json:"name"`
	Version     string `json:"version,omitempty"`   // installed; empty if nobody knows or it is not
	Available   string `json:"available,omitempty"` // the version in the library; empty if it is not there
	Installed   bool   `json:"installed"`
	Healthy     bool   `json:"healthy"` // false if it is not installed
	Source      string `json:"source,omitempty"`
	Description string `json:"description,omitempty"`
	Reason      string `json:"reason,omitempty"` // why it is not healthy
}

// List returns the Beads on the hub and those of the library, by name.
func (h *Hub) List(ctx context.Context) ([]Entry, error) {
	checkout, err := h.Repository.Checkout(ctx)
	if err != nil {
		return nil, err
	}
	present, err := installed(checkout.Files)
	if err != nil {
		return nil, err
	}
	apps, err := h.Client.List(ctx, applications, argoNamespace)
	if err != nil {
		return nil, err
	}
	entries := make(map[string]*Entry)
	available, err := Library(h.Library)
	if err != nil {
		return nil, err
	}
	for _, each := range available {
		entries[each.Metadata.Name] = &Entry{
			Name: each.Metadata.Name, Available: each.Spec.Version, Description: each.Spec.Description,
		}
	}
	for _, each := range present {
		entry := entries[each.Name]
		if entry == nil {
			entry = &Entry{Name: each.Name}
			entries[each.Name] = entry
		}
		entry.fill(each, apps)
	}
	list := make([]Entry, 0, len(entries))
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		list = append(list, *entries[name])
	}
	return list, nil
}

// fill says of an entry what is on the hub.
func (e *Entry) fill(there Installed, apps []unstructured.Unstructured) {
	e.Installed, e.Version, e.Reason = true, there.Version(), "not there yet"
	if there.Lock != nil {
		e.Source = there.Lock.Spec.Source
	}
	if described, err := describe(there); err == nil {
		e.Description = described.Spec.Description
	}
	for _, app := range apps {
		if app.GetName() == "bead-"+there.Name {
			status := hub.ApplicationStatusOf(&app)
			e.Healthy, e.Reason = status.Healthy(), status.Reason
		}
	}
}

// describe reads the bead.yaml of an installed Bead.
func describe(there Installed) (*bead.Bead, error) {
	described := new(bead.Bead)
	_, err := strictyaml.Decode(there.Files[bead.FileName], bead.FileName, described)
	return described, err
}

// Library returns the Beads of a library.
func Library(library fs.FS) ([]*bead.Folder, error) {
	entries, err := fs.ReadDir(library, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the library: %w", err)
	}
	var all []*bead.Folder
	for _, entry := range entries {
		sub, err := fs.Sub(library, entry.Name())
		if err != nil || !entry.IsDir() {
			continue
		}
		files, err := artifact.ReadFS(sub)
		if err != nil {
			return nil, err
		}
		loaded, err := bead.Load(files)
		if err != nil {
			return nil, fmt.Errorf("reading Bead %s of the library: %w", entry.Name(), err)
		}
		all = append(all, loaded)
	}
	return all, nil
}

// Info is all that there is to say of a Bead.
type Info struct {
	Entry
	License    string               `json:"license,omitempty"`
	Parts      []string             `json:"parts"`
	Requires   bead.Requirements    `json:"requires"`
	Parameters map[string]Parameter `json:"parameters"`
	Values     map[string]any       `json:"values,omitempty"` // given when it was added
	Digest     string               `json:"digest,omitempty"`
	Secrets    []string             `json:"secrets,omitempty"`   // NAMESPACE/NAME: KEY
	Objects    []string             `json:"objects,omitempty"`   // on the hub
	Kinds      []string             `json:"kinds,omitempty"`     // what people can ask for
	Claims     []string             `json:"claims,omitempty"`    // what people asked for
	Requirers  []string             `json:"requirers,omitempty"` // the Beads that require it
}

// Parameter is one parameter of a Bead.
type Parameter struct {
	Type        string `json:"type"`
	Default     any    `json:"default,omitempty"`
	Description string `json:"description,omitempty"`
}

// Info describes a Bead on the hub, or else the one in the library.
func (h *Hub) Info(ctx context.Context, name string) (*Info, error) {
	entries, err := h.List(ctx)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == name })
	if at < 0 {
		var names []string
		for _, entry := range entries {
			names = append(names, entry.Name)
		}
		return nil, &hub.RequestError{Err: fmt.Errorf("there is no Bead %s on hub %s or in the library: %s", name, h.Name,
			strictyaml.OneOf(name, names))}
	}
	info := &Info{Entry: entries[at], Parameters: map[string]Parameter{}, Parts: []string{}}
	if !info.Installed {
		found, err := h.fetch(ctx, name)
		if err != nil {
			return nil, err
		}
		info.describe(&found.Bead)
		for _, part := range found.Parts() {
			info.Parts = append(info.Parts, string(part))
		}
		return info, nil
	}
	return info, h.addInstalled(ctx, info)
}

// describe adds what a bead.yaml says.
func (i *Info) describe(b *bead.Bead) {
	i.License, i.Requires = b.Spec.License, b.Spec.Requires
	for name, schema := range b.Spec.Parameters {
		text, _ := schema["description"].(string)
		i.Parameters[name] = Parameter{Type: fmt.Sprint(schema["type"]), Default: schema["default"], Description: text}
	}
	for _, s := range b.Spec.Secrets {
		i.Secrets = append(i.Secrets, fmt.Sprintf("%s/%s: %s", s.Namespace, s.Name, s.Key))
	}
}

// addInstalled adds what is on the hub.
func (h *Hub) addInstalled(ctx context.Context, info *Info) error {
	checkout, err := h.Repository.Checkout(ctx)
	if err != nil {
		return err
	}
	present, err := installed(checkout.Files)
	if err != nil {
		return err
	}
	there, ok := find(present, info.Name)
	if !ok {
		return nil
	}
	if described, err := describe(there); err == nil {
		info.describe(described)
	}
	if there.Lock != nil {
		info.Values, info.Digest = there.Lock.Spec.Values, there.Lock.Spec.Digest
	}
	for _, other := range present {
		if _, requires := requirement(other, info.Name); requires {
			info.Requirers = append(info.Requirers, other.Name)
		}
	}
	objects, err := applied(there.Files)
	if err != nil {
		return err
	}
	for _, object := range objects {
		info.Objects = append(info.Objects, identify(object).String())
		if object.GetKind() == definition {
			info.Kinds = append(info.Kinds, object.GetName())
		}
	}
	for part := range strings.SplitSeq("composites policies application catalog", " ") {
		if len(there.Files.Sub(part)) > 0 {
			info.Parts = append(info.Parts, strings.ReplaceAll(part, "catalog", "templates"))
		}
	}
	claims, err := h.claims(ctx, there)
	if err != nil {
		return err
	}
	for _, claim := range claims {
		info.Claims = append(info.Claims, identify(claim).String())
	}
	return nil
}

// unknown says that a hub does not have a Bead.
func unknown(name string, present []Installed, hubName string) error {
	if len(present) == 0 {
		return fmt.Errorf("bead %s is not on hub %s: there is none", name, hubName)
	}
	names := make([]string, len(present))
	for i, each := range present {
		names[i] = each.Name
	}
	return fmt.Errorf("bead %s is not on hub %s: %s", name, hubName, strictyaml.OneOf(name, names))
}
