package engine

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// toySchema has a list of parts, some of which have a body, and a field that is called description.
const toySchema = `
type: object
description: A toy
properties:
  description: {type: string, description: What it is}
  parts:
    type: array
    items:
      type: object
      properties:
        wheel: {type: object, properties: {body: {type: object, description: Round, required: [size]}}}
        axle: {type: object, properties: {body: {type: object, properties: {size: {type: integer}}}}}
        screw: {type: object, anyOf: [{description: With a head, required: [head]}], properties: {head: {type: string}}}
`

// toys is a definition with two versions of that schema.
func toys(t *testing.T) map[string]any {
	t.Helper()
	version := func(name string, stored bool) any {
		var schema map[string]any
		if err := yaml.Unmarshal([]byte(toySchema), &schema); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"name": name, "storage": stored, "schema": map[string]any{"openAPIV3Schema": schema}}
	}
	return map[string]any{
		"kind":     "CustomResourceDefinition",
		"metadata": map[string]any{"name": "toys.example.test"},
		"spec":     map[string]any{"versions": []any{version("v1", true), version("v2", false)}},
	}
}

// trimmedToys applies a trim to the toys and returns the schemas of the versions that are left.
func trimmedToys(t *testing.T, change trim) map[string]map[string]any {
	t.Helper()
	change.definition = "toys.example.test"
	definition := toys(t)
	count, err := trimDefinition(definition, []trim{{definition: "others.example.test", silent: true}, change})
	if err != nil || count != 1 {
		t.Fatalf("%d trims were applied, %v: want 1", count, err)
	}
	schemas := map[string]map[string]any{}
	versions, _, _ := unstructured.NestedSlice(definition, "spec", "versions")
	for _, item := range versions {
		version := item.(map[string]any)
		schemas[version["name"].(string)], _, _ = unstructured.NestedMap(version, "schema", "openAPIV3Schema")
	}
	return schemas
}

func TestTrimRemovesVersions(t *testing.T) {
	schemas := trimmedToys(t, trim{versions: []string{"v2"}})
	if len(schemas) != 1 || schemas["v1"] == nil {
		t.Errorf("left: %v, want v1", schemas)
	}
}

func TestTrimOpensFieldsOfEveryVersion(t *testing.T) {
	for version, schema := range trimmedToys(t, trim{fields: []string{"parts[].*.body"}}) {
		parts, _, _ := unstructured.NestedMap(schema, "properties", "parts", "items", "properties")
		for part, want := range map[string]map[string]any{
			"axle":  {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
			"wheel": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "description": "Round"},
			"screw": nil,
		} {
			got, _, _ := unstructured.NestedMap(parts, part, "properties", "body")
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the body of %s is %v: want %v", version, part, got, want)
			}
		}
		if head, _, _ := unstructured.NestedString(parts, "screw", "properties", "head", "type"); head != "string" {
			t.Errorf("%s: the head of a screw is %q: want a string still", version, head)
		}
	}
}

func TestTrimRemovesDescriptionsButNoFieldOfThatName(t *testing.T) {
	for version, schema := range trimmedToys(t, trim{silent: true}) {
		text, err := json.Marshal(schema)
		if err != nil {
			t.Fatal(err)
		}
		for _, description := range []string{"A toy", "What it is", "Round", "With a head"} {
			if strings.Contains(string(text), description) {
				t.Errorf("%s: %q is still described: %s", version, description, text)
			}
		}
		if kind, _, _ := unstructured.NestedString(schema, "properties", "description", "type"); kind != "string" {
			t.Errorf("%s: the field description is gone: %s", version, text)
		}
	}
}

func TestTrimThatFindsSomethingElseIsRefused(t *testing.T) {
	for name, change := range map[string]trim{
		"a version that is not there": {versions: []string{"v3"}},
		"the stored version":          {versions: []string{"v1"}},
		"a field that is not there":   {fields: []string{"parts[].wheel.soul"}},
		"a field below no list":       {fields: []string{"parts.wheel"}},
		"elements of no list":         {fields: []string{"description[]"}},
	} {
		change.definition = "toys.example.test"
		if _, err := trimDefinition(toys(t), []trim{change}); !errors.Is(err, errNoTarget) {
			t.Errorf("%s: got %v, want %v", name, err, errNoTarget)
		}
	}
}

func TestTrimOfADefinitionThatIsNotThereIsRefused(t *testing.T) {
	r := smallRecipe(t)
	r.modules[0].copies[1].trims = []trim{{definition: "toys.example.test"}}
	w := openWorkspace(t, r, r.modules[0])
	if err := w.download(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.copyFiles(t.TempDir()); err == nil || !strings.Contains(err.Error(), "0 were found: want 1") {
		t.Errorf("got %v", err)
	}
}

// The trims are tried on the real definitions of the modules that are pinned.
func TestTrimmedDefinitionsAreOnesThatAnAPIServerTakes(t *testing.T) {
	m := platformModule()
	w := openWorkspace(t, hubRecipe(), m)
	if err := w.download(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := w.copyFiles(dir); err != nil {
		t.Fatal(err)
	}
	checked := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".json" {
			checkDefinition(t, path)
			checked++
		}
		return err
	})
	if err != nil || checked == 0 {
		t.Fatalf("%d definitions were checked, %v", checked, err)
	}
}

// checkDefinition says whether every version of a definition has a structural schema, and one is stored and served.
func checkDefinition(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &definition); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	stored := false
	for _, version := range definition.Spec.Versions {
		stored = stored || version.Storage && version.Served
		var internal apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			version.Schema.OpenAPIV3Schema, &internal, nil); err != nil {
			t.Fatalf("%s %s: %v", definition.Name, version.Name, err)
		}
		structural, err := schema.NewStructural(&internal)
		if err != nil {
			t.Errorf("%s %s: %v", definition.Name, version.Name, err)
			continue
		}
		for _, fault := range schema.ValidateStructural(nil, structural) {
			t.Errorf("%s %s: %v", definition.Name, version.Name, fault)
		}
	}
	if !stored {
		t.Errorf("%s: no version is stored and served", definition.Name)
	}
}
