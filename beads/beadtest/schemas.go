package beadtest

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/internal/report"
)

// schemas reads the definitions, in the folder that is given for that, of the kinds that the Bead and its tests use.
func (o Options) schemas(groups []*group) ([]*unstructured.Unstructured, error) {
	if o.Schemas == "" {
		return nil, nil
	}
	used := make(map[schema.GroupKind]bool)
	for _, g := range groups {
		for _, object := range g.objects() {
			collectKinds(object.Object, used)
		}
		for _, test := range g.tests {
			for _, content := range test.objects() {
				collectKinds(content, used)
			}
		}
	}
	var found []*unstructured.Unstructured
	err := filepath.WalkDir(o.Schemas, func(path string, entry fs.DirEntry, err error) error {
		extension := filepath.Ext(path)
		if err != nil || entry.IsDir() || extension != ".yaml" && extension != ".yml" && extension != ".json" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || !mentions(content, used) {
			return err
		}
		definition := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(content, &definition.Object); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		kind := schema.GroupKind{Group: text(definition, "spec", "group"), Kind: text(definition, "spec", "names", "kind")}
		if isA(definition, kindCRD) && used[kind] {
			found = append(found, bare(definition))
			delete(used, kind)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the definitions of kinds in %s: %w", o.Schemas, err)
	}
	return found, nil
}

// collectKinds collects the kinds of all objects in a value, also of those deep in it, as in a Composition.
func collectKinds(value any, kinds map[schema.GroupKind]bool) {
	switch v := value.(type) {
	case map[string]any:
		version, _ := v["apiVersion"].(string)
		kind, _ := v["kind"].(string)
		if parsed, err := schema.ParseGroupVersion(version); err == nil && kind != "" && parsed.Group != "" {
			kinds[schema.GroupKind{Group: parsed.Group, Kind: kind}] = true
		}
		for _, item := range v {
			collectKinds(item, kinds)
		}
	case []any:
		for _, item := range v {
			collectKinds(item, kinds)
		}
	}
}

// mentions says whether a file can define one of the kinds: such files are large, and reading all of them takes
// seconds.
func mentions(content []byte, kinds map[schema.GroupKind]bool) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(kinds)), func(kind schema.GroupKind) bool {
		return bytes.Contains(content, []byte(kind.Group)) && bytes.Contains(content, []byte(kind.Kind))
	})
}

// bare makes a definition one that can be used without the program that it belongs to.
func bare(definition *unstructured.Unstructured) *unstructured.Unstructured {
	unstructured.RemoveNestedField(definition.Object, "spec", "conversion")
	unstructured.RemoveNestedField(definition.Object, "status")
	definition.SetManagedFields(nil)
	definition.SetResourceVersion("")
	definition.SetUID("")
	return definition
}

// schemasRole lets Crossplane compose the kinds, as a provider's package would.
func schemasRole(definitions []*unstructured.Unstructured) *unstructured.Unstructured {
	var rules []any
	for _, definition := range definitions {
		plural := text(definition, "spec", "names", "plural")
		rules = append(rules, map[string]any{
			"apiGroups": []any{text(definition, "spec", "group")},
			"resources": []any{plural, plural + "/status", plural + "/finalizers"},
			"verbs":     []any{"*"},
		})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
		"metadata": map[string]any{
			"name": "bead-test-schemas", "labels": map[string]any{"rbac.crossplane.io/aggregate-to-crossplane": "true"},
		},
		"rules": rules,
	}}
}

// installSchemas makes the hub know kinds. What knows them already stays as it is.
func (s *stage) installSchemas(ctx context.Context, definitions []*unstructured.Unstructured, to report.Reporter) error {
	if len(definitions) == 0 {
		return nil
	}
	step := report.Start(to, "schemas", fmt.Sprintf("%d kinds", len(definitions)))
	ctx, cancel := context.WithTimeoutCause(ctx, s.options.Timeout, fmt.Errorf("not so after %s", s.options.Timeout))
	defer cancel()
	err := each(append(slices.Clone(definitions), schemasRole(definitions)), func(object *unstructured.Unstructured) error {
		return s.bringSchema(ctx, object)
	})
	if err == nil {
		err = s.awaitDefinitions(ctx, definitions, step.Wait)
	}
	if err == nil {
		err = s.awaitRoles(ctx, s.schemas, step.Wait)
	}
	if err != nil {
		step.Fail(err)
		return fmt.Errorf("making the hub know the kinds of %s: %w", s.options.Schemas, err)
	}
	step.Done(fmt.Sprintf("%d kinds", len(definitions)))
	return nil
}

func (s *stage) bringSchema(ctx context.Context, object *unstructured.Unstructured) error {
	live, err := s.find(ctx, object)
	if err != nil {
		return err
	}
	if live != nil && !ours(live) {
		return nil
	}
	mapping, err := s.locate(ctx, object)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.schemas = append(s.schemas, object)
	s.mu.Unlock()
	_, err = resource(s.client.Dynamic(), mapping, object).Apply(ctx, object.GetName(), object,
		metav1.ApplyOptions{FieldManager: manager, Force: true})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}
