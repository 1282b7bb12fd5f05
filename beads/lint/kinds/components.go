package kinds

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// schemas are the definitions of the components' kinds that a Bead can bring, from the very versions that a hub runs,
// without what is for people and without status. A test keeps them in step.
//
//go:embed schemas/*.json
var schemas embed.FS

// components are the kinds of a hub's components.
type components struct{}

func (components) definition(kind schema.GroupKind) (*Definition, error) {
	content, err := schemas.ReadFile(schemaFile(kind.Group, kind.Kind))
	if err != nil {
		return nil, nil // it has no such file
	}
	crd := new(apiextensionsv1.CustomResourceDefinition)
	if err := json.Unmarshal(content, crd); err != nil {
		return nil, fmt.Errorf("reading the definition of %s: %w", kind, err)
	}
	return FromCRD(crd), nil
}

func (components) kinds(group string) []string {
	entries, err := schemas.ReadDir("schemas")
	if err != nil {
		return nil
	}
	var kinds []string
	for _, entry := range entries {
		if kind, ok := strings.CutPrefix(entry.Name(), group+"_"); ok {
			kinds = append(kinds, strings.TrimSuffix(kind, ".json"))
		}
	}
	return kinds
}

// schemaFile is where the definition of a kind is kept.
func schemaFile(group, kind string) string { return path.Join("schemas", group+"_"+kind+".json") }
