// Package scaffolder runs Backstage's software templates in process, far enough to know which files they make: it
// checks the parameters, runs the actions that write files, and maps what they wrote to where a pull request would put
// it.
//
// Expressions are nunjucks' own, by package nunjucks. The actions are ours, after those of Backstage's
// plugins/scaffolder-backend (fetch:template, fetch:plain, both with :file, fs:delete, fs:rename, catalog:write). An
// action that acts outside of the workspace, such as publish:github or catalog:register, is not run: its input is
// evaluated, and its output is empty. What Backstage adds to parameters of its own, such as what a custom field fills
// in, is not there.
package scaffolder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest/nunjucks"
)

// Template is a Template entity of a Bead.
type Template struct {
	name    string
	dir     string     // the folder of the file that it is in
	catalog bead.Files // what its steps can fetch
	spec    spec
}

// spec is what matters of a Template's spec.
type spec struct {
	Parameters any    `json:"parameters"`
	Steps      []step `json:"steps"`
}

// step is one step of a Template.
type step struct {
	ID     string         `json:"id"`
	Action string         `json:"action"`
	If     any            `json:"if"`
	Each   any            `json:"each"`
	Input  map[string]any `json:"input"`
}

// Find returns the Template called name among the files for the portal, whose paths are from templates/.
func Find(catalog bead.Files, name string) (*Template, error) {
	var names []string
	for file, content := range catalog.All() {
		if strings.Count(file, "/") > 1 || path.Ext(file) != ".yaml" && path.Ext(file) != ".yml" {
			continue
		}
		for _, document := range bead.Documents(string(content)) {
			entity := make(map[string]any)
			if err := yaml.Unmarshal(document.Text, &entity); err != nil {
				return nil, fmt.Errorf("templates/%s:%d: %w", file, document.Line, err)
			}
			if entity["kind"] != "Template" {
				continue
			}
			found, _, _ := unstructured.NestedString(entity, "metadata", "name")
			if found != name {
				names = append(names, found)
				continue
			}
			t := &Template{name: name, dir: path.Dir(file), catalog: catalog}
			var typed struct {
				Spec spec `json:"spec"`
			}
			if err := yaml.Unmarshal(document.Text, &typed); err != nil {
				return nil, fmt.Errorf("templates/%s:%d: %w", file, document.Line, err)
			}
			t.spec = typed.Spec
			return t, nil
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("there is no template %s: the Bead has none", name)
	}
	return nil, fmt.Errorf("there is no template %s: want one of %s", name, strings.Join(names, ", "))
}

// Run returns the files that the Template makes of its parameters: as a pull request puts them into a repository where
// a step opens one, else as they are in the workspace.
func (t *Template) Run(ctx context.Context, input map[string]any) (bead.Files, error) {
	parameters, err := t.parameters(input)
	if err != nil {
		return nil, err
	}
	engine, err := nunjucks.New()
	if err != nil {
		return nil, err
	}
	r := &run{
		template: t, engine: engine, workspace: bead.Files{}, steps: make(map[string]any),
		scope: map[string]any{
			"parameters": parameters, "secrets": map[string]any{}, "context": map[string]any{},
			"user": map[string]any{"ref": "user:default/guest"},
		},
	}
	r.scope["steps"] = r.steps
	for i, step := range t.spec.Steps {
		if step.ID == "" {
			step.ID = fmt.Sprintf("step-%d", i+1)
		}
		if err := r.step(ctx, step); err != nil {
			return nil, fmt.Errorf("template %s, step %s (%s): %w", t.name, step.ID, step.Action, err)
		}
	}
	if r.landed != nil {
		return r.landed, nil
	}
	return r.workspace, nil
}

// run is one run of a Template.
type run struct {
	template  *Template
	engine    *nunjucks.Engine
	scope     map[string]any // what expressions see
	steps     map[string]any // the outputs of the steps so far
	workspace bead.Files
	landed    bead.Files // what pull requests hold; nil if none was opened
}

// step runs a step, as often as each says.
func (r *run) step(ctx context.Context, s step) error {
	r.steps[s.ID] = map[string]any{"output": map[string]any{}}
	if s.Each == nil {
		return r.once(ctx, s)
	}
	each, err := r.value(ctx, s.Each)
	if err != nil {
		return fmt.Errorf("evaluating each: %w", err)
	}
	defer delete(r.scope, "each")
	switch items := each.(type) {
	case []any:
		for i, item := range items {
			r.scope["each"] = map[string]any{"key": i, "value": item}
			if err := r.once(ctx, s); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(items)) {
			r.scope["each"] = map[string]any{"key": key, "value": items[key]}
			if err := r.once(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("evaluating each: it is %v: want a list or an object", each)
}

// once runs a step's action unless the step's condition is against it.
func (r *run) once(ctx context.Context, s step) error {
	if s.If != nil {
		condition, err := r.value(ctx, s.If)
		if err != nil {
			return fmt.Errorf("evaluating if: %w", err)
		}
		if !truthy(condition) {
			return nil
		}
	}
	value, err := r.value(ctx, s.Input)
	if err != nil {
		return fmt.Errorf("evaluating its input: %w", err)
	}
	input, _ := value.(map[string]any)
	return r.act(ctx, s.Action, input)
}

// truthy says whether a condition holds, by JavaScript's rule and Backstage's: the text false does not.
func truthy(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != "" && v != "false"
	}
	return true
}

// value evaluates all expressions in a value.
func (r *run) value(ctx context.Context, value any) (any, error) {
	switch v := value.(type) {
	case string:
		return r.engine.Value(ctx, v, r.scope)
	case []any:
		list := make([]any, 0, len(v))
		for _, item := range v {
			evaluated, err := r.value(ctx, item)
			if err != nil {
				return nil, err
			}
			list = append(list, evaluated)
		}
		return list, nil
	case map[string]any:
		object := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			evaluated, err := r.value(ctx, v[key])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if evaluated != nil {
				object[key] = evaluated
			}
		}
		return object, nil
	}
	return value, nil
}

// errNoText is for an input that has to be text and is not.
var errNoText = errors.New("want text")
