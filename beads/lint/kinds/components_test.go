package kinds

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the definitions anew")

// wanted are the kinds whose definitions are kept, by the module and the folder that have them. They are those of the
// modules that the engine builds its programs from.
var wanted = map[string]struct {
	dir   string
	kinds []string
}{
	"github.com/crossplane/crossplane/v2": {"cluster/crds", []string{
		"apiextensions.crossplane.io CompositeResourceDefinition", "apiextensions.crossplane.io Composition",
		"apiextensions.crossplane.io EnvironmentConfig", "apiextensions.crossplane.io ManagedResourceActivationPolicy",
		"pkg.crossplane.io Configuration", "pkg.crossplane.io DeploymentRuntimeConfig", "pkg.crossplane.io Function",
		"pkg.crossplane.io ImageConfig", "pkg.crossplane.io Provider", "protection.crossplane.io Usage",
		"protection.crossplane.io ClusterUsage",
	}},
	"github.com/crossplane-contrib/function-patch-and-transform": {"package/input",
		[]string{"pt.fn.crossplane.io Resources"}},
	"github.com/kyverno/kyverno": {"config/crds/policies.kyverno.io", []string{
		"policies.kyverno.io ValidatingPolicy", "policies.kyverno.io MutatingPolicy", "policies.kyverno.io GeneratingPolicy",
		"policies.kyverno.io DeletingPolicy", "policies.kyverno.io ImageValidatingPolicy",
		"policies.kyverno.io PolicyException",
		"policies.kyverno.io NamespacedValidatingPolicy", "policies.kyverno.io NamespacedMutatingPolicy",
		"policies.kyverno.io NamespacedGeneratingPolicy", "policies.kyverno.io NamespacedDeletingPolicy",
		"policies.kyverno.io NamespacedImageValidatingPolicy",
	}},
}

func TestDefinitionsAreThoseOfTheComponentsThatAHubRuns(t *testing.T) {
	dirs := moduleDirs(t)
	for module, want := range wanted {
		found := make(map[string][]byte)
		err := fs.WalkDir(os.DirFS(dirs[module]), want.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(name) != ".yaml" {
				return err
			}
			content, err := os.ReadFile(filepath.Join(dirs[module], name))
			if err != nil {
				return err
			}
			found[says(content, groupLine)+" "+says(content, kindLine)] = content
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range want.kinds {
			content, ok := found[kind]
			if !ok {
				t.Errorf("%s defines no %s", module, kind)
				continue
			}
			group, name, _ := strings.Cut(kind, " ")
			golden(t, schemaFile(group, name), short(t, content))
		}
	}
}

// golden compares a kept file.
func golden(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the module defines (%v): go test ./beads/lint/kinds -update", name, err)
	}
}

// short returns a definition without what linting does not need.
func short(t *testing.T, content []byte) []byte {
	t.Helper()
	var crd map[string]any
	if err := yaml.Unmarshal(withoutDescriptions(content), &crd); err != nil {
		t.Fatal(err)
	}
	spec := crd["spec"].(map[string]any)
	for _, item := range spec["versions"].([]any) {
		version := item.(map[string]any)
		for _, field := range []string{"additionalPrinterColumns", "subresources", "selectableFields"} {
			delete(version, field)
		}
		schema := version["schema"].(map[string]any)["openAPIV3Schema"].(map[string]any)
		loosen(schema, "spec", "deploymentTemplate", "spec", "template") // a pod's, which is larger than all others together
		if properties, ok := schema["properties"].(map[string]any); ok {
			delete(properties, "status")
		}
	}
	spec["versions"] = slices.DeleteFunc(spec["versions"].([]any), func(item any) bool {
		version := item.(map[string]any)
		return version["served"] != true || version["deprecated"] == true
	})
	delete(crd, "metadata")
	delete(crd, "status")
	text, err := json.MarshalIndent(crd, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// loosen lets anything stand at a field, if the schema has it.
func loosen(schema map[string]any, path ...string) {
	for i, name := range path {
		properties, ok := schema["properties"].(map[string]any)
		if !ok || properties[name] == nil {
			return
		}
		if i == len(path)-1 {
			properties[name] = map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
			return
		}
		schema = properties[name].(map[string]any)
	}
}

// moduleDirs returns the folders of the modules. They are in the cache of whoever built the engine; go fetches and
// verifies them on any other machine.
func moduleDirs(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"mod", "download", "-json"}
	for module := range wanted {
		args = append(args, module)
	}
	command := exec.Command("go", args...)
	command.Dir = filepath.Join("..", "..", "..", "engine", "platform")
	output, err := command.Output()
	if err != nil {
		t.Fatalf("fetching the modules that define the components' kinds: %v: %s", err, output)
	}
	dirs := make(map[string]string)
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); {
		var module struct{ Path, Dir string }
		if err := decoder.Decode(&module); err != nil {
			t.Fatal(err)
		}
		dirs[module.Path] = module.Dir
	}
	return dirs
}
