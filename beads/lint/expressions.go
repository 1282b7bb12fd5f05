package lint

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkParameters judges what a template asks for: one JSON Schema, or one for each page.
func (t *template) checkParameters() {
	switch pages := at(t.document.object, "spec", "parameters").(type) {
	case nil:
	case []any:
		for i, page := range pages {
			t.checkPage(page, strictyaml.Index("spec.parameters", i))
		}
	default:
		t.checkPage(pages, "spec.parameters")
	}
}

func (t *template) checkPage(page any, path string) {
	if _, ok := page.(map[string]any); !ok {
		t.fault(ruleParameters, t.document, path, "is no JSON Schema: want title, properties and required")
		return
	}
	if reference, _ := page.(map[string]any)["$ref"].(string); reference != "" {
		t.open = true
		return
	}
	if err := compile(page); err != nil {
		t.fault(ruleParameters, t.document, path, "is no JSON Schema: %v", err)
	}
	names := make(map[string]bool)
	properties(page, names)
	maps.Copy(t.parameters, names)
	for i, name := range texts(page, "required") {
		if !names[name] {
			t.fault(ruleParameters, t.document, strictyaml.Index(path+".required", i), "%s is not among the properties: %s",
				name, strictyaml.OneOf(name, slices.Sorted(maps.Keys(names))))
		}
	}
}

// compile returns what a schema has against being one, in one line.
func compile(schema any) error {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7) // what the portal's form speaks
	if err := compiler.AddResource("bead:parameters", plain(schema)); err != nil {
		return err
	}
	_, err := compiler.Compile("bead:parameters")
	if invalid := new(jsonschema.SchemaValidationError); errors.As(err, &invalid) {
		lines := strings.Split(invalid.Err.Error(), "\n")
		return fmt.Errorf("%s", strings.TrimLeft(lines[len(lines)-1], " -"))
	}
	return err
}

// plain returns a schema with numbers as the compiler knows them, and without the form's own settings.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, item := range v {
			if !strings.HasPrefix(name, "ui:") && !strings.HasPrefix(name, "backstage:") {
				copied[name] = plain(item)
			}
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, item := range v {
			copied[i] = plain(item)
		}
		return copied
	case int64:
		return float64(v)
	}
	return value
}

// properties collects what a schema declares, also where it depends on other answers.
func properties(schema any, to map[string]bool) {
	declared, _ := at(schema, "properties").(map[string]any)
	for name := range declared {
		to[name] = true
	}
	for _, field := range []string{"then", "else", "if"} {
		if inner := at(schema, field); inner != nil {
			properties(inner, to)
		}
	}
	for _, field := range []string{"allOf", "anyOf", "oneOf"} {
		for _, inner := range listAt(schema, field) {
			properties(inner, to)
		}
	}
	dependencies, _ := at(schema, "dependencies").(map[string]any)
	for _, inner := range dependencies {
		properties(inner, to)
	}
}

// The names that an expression can use: parameters.name, parameters['name'], steps.id.output, steps['id'].output.
var (
	parameterUse = regexp.MustCompile(`\bparameters(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*['"]([^'"]+)['"]\s*\])`)
	stepUse      = regexp.MustCompile(`\bsteps(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[\s*['"]([^'"]+)['"]\s*\])`)
)

// checkExpressions judges every expression in a value, down to its last text.
func (t *template) checkExpressions(value any, path string) {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			t.checkExpressions(item, strictyaml.Key(path, name))
		}
	case []any:
		for i, item := range v {
			t.checkExpressions(item, strictyaml.Index(path, i))
		}
	case string:
		for _, expression := range backstage.FindAllString(v, -1) {
			t.checkExpression(expression, path)
		}
		if strings.Contains(backstage.ReplaceAllString(v, ""), "${{") {
			t.fault(ruleExpression, t.document, path, "an expression is not closed: want ${{ ... }}")
		}
	}
}

func (t *template) checkExpression(expression, path string) {
	for _, found := range parameterUse.FindAllStringSubmatch(expression, -1) {
		name := found[1] + found[2]
		if !t.parameters[name] && !t.open {
			t.fault(ruleExpression, t.document, path, "no parameter is called %s: %s", name,
				strictyaml.OneOf(name, slices.Sorted(maps.Keys(t.parameters))))
		}
	}
	for _, found := range stepUse.FindAllStringSubmatch(expression, -1) {
		id := found[1] + found[2]
		if t.steps[id] {
			continue
		}
		if len(t.steps) == 0 {
			t.fault(ruleExpression, t.document, path, "no step before this is called %s: this is the first", id)
			continue
		}
		t.fault(ruleExpression, t.document, path, "no step before this is called %s: %s", id,
			strictyaml.OneOf(id, slices.Sorted(maps.Keys(t.steps))))
	}
}
