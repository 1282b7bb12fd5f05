package scaffolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// parameters checks what somebody filled into the form and fills in the defaults, as the form does.
func (t *Template) parameters(input map[string]any) (map[string]any, error) {
	values := maps.Clone(input)
	if values == nil {
		values = make(map[string]any)
	}
	pages := t.pages()
	for _, page := range pages {
		fillIn(values, page)
	}
	// Through JSON, for the validator knows only the types that it decodes to.
	text, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	var faults []error
	for i, page := range pages {
		schema, err := compile(page)
		if err != nil {
			return nil, fmt.Errorf("template %s: page %d of its parameters is no JSON Schema: %w", t.name, i+1, err)
		}
		if err := schema.Validate(instance); err != nil {
			faults = append(faults, describe(err)...)
		}
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("template %s refuses its input: %w", t.name, errors.Join(faults...))
	}
	return values, nil
}

// pages are the forms of a template: one or a list.
func (t *Template) pages() []map[string]any {
	var pages []map[string]any
	switch parameters := t.spec.Parameters.(type) {
	case map[string]any:
		pages = append(pages, parameters)
	case []any:
		for _, item := range parameters {
			if page, ok := item.(map[string]any); ok {
				pages = append(pages, page)
			}
		}
	}
	return pages
}

// fillIn sets what is not given and has a default.
func fillIn(values, schema map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for name, item := range properties {
		property, _ := item.(map[string]any)
		if _, given := values[name]; !given {
			if value, ok := property["default"]; ok {
				values[name] = value
				continue
			}
		}
		if nested, ok := values[name].(map[string]any); ok {
			nested = maps.Clone(nested)
			fillIn(nested, property)
			values[name] = nested
		}
	}
}

func compile(page map[string]any) (*jsonschema.Schema, error) {
	text, err := json.Marshal(page)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7) // what Backstage's forms and its validator know
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	const url = "template:parameters"
	if err := compiler.AddResource(url, document); err != nil {
		return nil, err
	}
	return compiler.Compile(url)
}

// noLoader loads no schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is another document: want a schema that is whole by itself", url)
}

// describe returns what values have against a schema.
func describe(err error) []error {
	invalid := new(jsonschema.ValidationError)
	if !errors.As(err, &invalid) {
		return []error{err}
	}
	printer := message.NewPrinter(language.English)
	var faults []error
	var collect func(*jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			collect(cause)
		}
		if len(e.Causes) == 0 {
			text := e.ErrorKind.LocalizedString(printer)
			if len(e.InstanceLocation) > 0 {
				text = strings.Join(e.InstanceLocation, ".") + ": " + text
			}
			faults = append(faults, errors.New(text))
		}
	}
	collect(invalid)
	return faults
}
