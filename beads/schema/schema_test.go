package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/bead"
)

var update = flag.Bool("update", false, "write the schema anew")

const file = "bead.schema.json"

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	want := generated(t)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v): go generate ./beads/schema", file, err)
	}
}

// generated returns the schema as the types of package bead and their comments have it.
func generated(t *testing.T) []byte {
	t.Helper()
	const module = "github.com/back-stack/backstack"
	t.Chdir("../..") // comments are found by paths from the module's root
	defer t.Chdir("beads/schema")
	r := &jsonschema.Reflector{Anonymous: true}
	if err := r.AddGoComments(module, "./beads/bead"); err != nil {
		t.Fatal(err)
	}
	schema := r.Reflect(bead.Bead{})
	schema.ID = URL
	schema.Title = "Bead"
	text, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	// The library escapes what only matters within HTML.
	readable := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
	return []byte(readable + "\n")
}

// compiled returns the kept schema, ready to judge.
func compiled(t *testing.T) *validator.Schema {
	t.Helper()
	document, err := validator.UnmarshalJSON(bytes.NewReader(Bead()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := validator.NewCompiler()
	if err := compiler.AddResource(URL, document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(URL)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// judge returns what the schema has against a bead.yaml.
func judge(t *testing.T, content []byte) error {
	t.Helper()
	data, err := yaml.YAMLToJSON(content)
	if err != nil {
		t.Fatal(err)
	}
	value, err := validator.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return compiled(t).Validate(value)
}

func TestTheBeadsOfTheLibraryAreAllowed(t *testing.T) {
	library := os.DirFS("../library")
	names, err := fs.Glob(library, "*/"+bead.FileName)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(library, name)
		if err != nil {
			t.Fatal(err)
		}
		if err := judge(t, content); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatTheFormatDoesNotAllowIsNotAllowed(t *testing.T) {
	const good = `apiVersion: backstack.dev/v1alpha1
kind: Bead
metadata: {name: demo}
spec:
  version: 0.1.0
  description: A demonstration
  parameters: {size: {type: string}}
  applications:
    - {name: a, chart: {repository: "oci://example.org", name: a, version: 1.2.3}, destination: {spokes: {}}}
`
	if err := judge(t, []byte(good)); err != nil {
		t.Errorf("a good bead.yaml: %v", err)
	}
	for old, bad := range map[string]string{
		"kind: Bead":       "kind: Package",
		"name: demo":       "name: Demo",
		"  version: 0.1.0": "  verison: 0.1.0",
		"{type: string}":   "string",
		"name: a, chart":   "nmae: a, chart",
	} {
		if err := judge(t, []byte(strings.Replace(good, old, bad, 1))); err == nil {
			t.Errorf("%s is allowed", bad)
		}
	}
}
