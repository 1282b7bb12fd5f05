package render

import (
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	schemaruntime "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/internal/helm"
)

// definitions are the folders of custom resource definitions in the modules that the engine builds its programs from.
var definitions = map[string]string{
	"github.com/argoproj/argo-cd/v3":      "manifests/crds",
	"github.com/crossplane/crossplane/v2": "cluster/crds",
	"github.com/kyverno/kyverno":          "config/crds",
}

// The API server checks custom resources against schemas that come with the components. So does this test, with the
// schemas of the very versions that a hub runs.
func TestCustomResourcesAreWhatTheirDefinitionsWant(t *testing.T) {
	kinds := readDefinitions(t)
	checked := make(map[string]bool)
	for name, object := range customResources(t) {
		d, ok := kinds[object.GroupVersionKind()]
		if !ok {
			t.Errorf("%s is a %s: no definition knows it", name, object.GroupVersionKind())
			continue
		}
		checked[object.GetKind()] = true
		for _, fault := range d.check(t, object) {
			t.Errorf("%s: %s", name, fault)
		}
	}
	for _, kind := range []string{
		"Application", "ApplicationSet", "AppProject", "Function", "ManagedResourceActivationPolicy", "ValidatingPolicy",
		"PolicyException", "ImageConfig",
	} {
		if !checked[kind] {
			t.Errorf("no %s was checked", kind)
		}
	}
}

// customResources returns every custom resource that a hub of any kind renders, by where it comes from.
func customResources(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	found := make(map[string]*unstructured.Unstructured)
	for name, h := range everyHub() {
		tree := hub(t, h)
		for path, content := range tree.All() {
			if !strings.HasSuffix(path, ".yaml") || !strings.HasPrefix(path, "apps/") && !strings.HasPrefix(path, "policies/") {
				continue
			}
			object, err := helm.Object(content)
			if err != nil {
				t.Fatalf("%s: %s: %v", name, path, err)
			}
			found[name+": "+path] = object
		}
		for component, objects := range components(t, tree) {
			for _, object := range objects {
				group := object.GroupVersionKind().Group
				if strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
					found[name+": "+component+": "+object.GetKind()+" "+object.GetName()] = object
				}
			}
		}
		found[name+": policies/exceptions/README.md"] = exampleException(t, tree["policies/exceptions/README.md"])
	}
	return found
}

// exampleException returns the PolicyException that the text shows.
func exampleException(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	_, rest, _ := strings.Cut(string(text), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("policies/exceptions/README.md has no example")
	}
	object, err := helm.Object([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// definition is one version of a custom resource definition.
type definition struct {
	validate   validation.SchemaValidator
	structural *schema.Structural
}

// check returns what the API server would have against an object, or do to it. What it would add or take away counts as
// well where Argo CD compares what it applied with what is there as a whole: within lists.
func (d *definition) check(t *testing.T, object *unstructured.Unstructured) field.ErrorList {
	t.Helper()
	content := object.DeepCopy().Object
	faults := validation.ValidateCustomResource(nil, content, d.validate)
	rules, _ := cel.NewValidator(d.structural, true, celconfig.PerCallLimit).
		Validate(t.Context(), nil, d.structural, content, nil, celconfig.RuntimeCELCostBudget)
	faults = append(faults, rules...)
	for _, path := range pruning.PruneWithOptions(content, d.structural, true, schema.UnknownFieldPathOptions{
		TrackUnknownFieldPaths: true,
	}) {
		faults = append(faults, field.Forbidden(field.NewPath(path), "the definition has no such field"))
	}
	defaulting.Default(content, d.structural)
	if path := firstListThatDiffers(object.Object, content, nil); path != nil {
		faults = append(faults, field.Invalid(path, nil,
			"the API server fills in defaults in this list: want them written out"))
	}
	return faults
}

// firstListThatDiffers returns the path of a list that is not the same in two objects.
func firstListThatDiffers(a, b any, path *field.Path) *field.Path {
	switch have := a.(type) {
	case map[string]any:
		other, _ := b.(map[string]any)
		for key := range have {
			child := field.NewPath(key)
			if path != nil {
				child = path.Child(key)
			}
			if differs := firstListThatDiffers(have[key], other[key], child); differs != nil {
				return differs
			}
		}
	case []any:
		if !reflect.DeepEqual(a, b) {
			return path
		}
	}
	return nil
}

// readDefinitions returns the definitions of all components by kind.
func readDefinitions(t *testing.T) map[schemaruntime.GroupVersionKind]*definition {
	t.Helper()
	found := make(map[schemaruntime.GroupVersionKind]*definition)
	for module, dir := range moduleDirs(t, slices.Collect(maps.Keys(definitions))...) {
		root := filepath.Join(dir, definitions[module])
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			return readDefinition(path, found)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// readDefinition adds the versions of the definition in a file, if it holds one.
func readDefinition(path string, to map[schemaruntime.GroupVersionKind]*definition) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	crd := new(apiextensionsv1.CustomResourceDefinition)
	if err := yaml.Unmarshal(content, crd); err != nil || crd.Kind != "CustomResourceDefinition" {
		return err
	}
	for _, version := range crd.Spec.Versions {
		props := new(apiextensions.JSONSchemaProps)
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
			version.Schema.OpenAPIV3Schema, props, nil); err != nil {
			return err
		}
		validate, _, err := validation.NewSchemaValidator(props)
		if err != nil {
			return err
		}
		structural, err := schema.NewStructural(props)
		if err != nil {
			return err
		}
		kind := schemaruntime.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
		to[kind] = &definition{validate: validate, structural: structural}
	}
	return nil
}

// moduleDirs returns the folders of modules, by module. They are those that the engine is built from, so a machine that has
// built it has them, and go fetches and verifies them on any other.
func moduleDirs(t *testing.T, modules ...string) map[string]string {
	t.Helper()
	command := exec.Command("go", append([]string{"mod", "download", "-json"}, modules...)...)
	command.Dir = filepath.Join("..", "..", "engine", "platform")
	output, err := command.Output()
	if err != nil {
		t.Fatalf("fetching the modules that define the components' kinds: %v: %s", err, output)
	}
	dirs := make(map[string]string)
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var module struct{ Path, Dir string }
		if err := decoder.Decode(&module); err != nil {
			t.Fatal(err)
		}
		dirs[module.Path] = module.Dir
	}
	return dirs
}
