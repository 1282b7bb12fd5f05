package bead

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// parameterName is what can be written after .Values.
var parameterName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)

// hubValues is the one name beneath .Values that is no parameter.
const hubValues = "hub"

// schemaTypes are the types of JSON Schema.
func schemaTypes() []string {
	return []string{"array", "boolean", "integer", "null", "number", "object", "string"}
}

// compileParameter returns the schema of one parameter. References to other documents are refused: a Bead is whole by
// itself.
func compileParameter(schema map[string]any) (*jsonschema.Schema, error) {
	// Through JSON, for the compiler knows only the types that it decodes to.
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	const url = "bead:parameter"
	if err := compiler.AddResource(url, document); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(url)
	if invalid := new(jsonschema.SchemaValidationError); errors.As(err, &invalid) {
		return nil, errors.New(schemaFault(invalid.Err))
	}
	return compiled, err
}

// noLoader loads no schema.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is another document: want a schema that is whole by itself", url)
}

// schemaFault returns what a value has against a schema, in one line.
func schemaFault(err error) string {
	invalid := new(jsonschema.ValidationError)
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	printer := message.NewPrinter(language.English)
	var faults []string
	var collect func(*jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		for _, cause := range e.Causes {
			collect(cause)
		}
		if len(e.Causes) > 0 {
			return
		}
		text := e.ErrorKind.LocalizedString(printer)
		if len(e.InstanceLocation) > 0 {
			text = strings.Join(e.InstanceLocation, ".") + ": " + text
		}
		faults = append(faults, text)
	}
	collect(invalid)
	slices.Sort(faults)
	return strings.Join(slices.Compact(faults), "; ")
}

// Values returns the parameters' values: those that are given, and the defaults of the others. Values are what JSON can
// hold. The error is nil or, found with errors.As, strictyaml.Faults: unknown parameters, values that a schema does not
// allow, and parameters that have no default and must be given. source is what faults call the values, such as --set.
func (f *Folder) Values(given map[string]any, source string) (map[string]any, error) {
	values := make(map[string]any, len(f.Spec.Parameters))
	var faults strictyaml.Faults
	fault := func(name, format string, args ...any) {
		faults = append(faults, strictyaml.Fault{Source: source, Path: name, Message: fmt.Sprintf(format, args...)})
	}
	names := slices.Sorted(maps.Keys(f.Spec.Parameters))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			fault(name, "Bead %s has no such parameter: %s", f.Metadata.Name, strictyaml.OneOf(name, names))
		}
	}
	for _, name := range names {
		schema := f.Spec.Parameters[name]
		value, ok := given[name]
		if !ok {
			if value, ok = schema["default"]; !ok {
				fault(name, "is missing, and Bead %s has no default for it: give it with --set %s=...", f.Metadata.Name, name)
				continue
			}
		}
		compiled, err := compileParameter(schema)
		if err != nil {
			return nil, fmt.Errorf("reading the schema of parameter %s: %w", name, err)
		}
		if value, err = throughJSON(value); err != nil {
			return nil, fmt.Errorf("reading parameter %s: %w", name, err)
		}
		if err := compiled.Validate(value); err != nil {
			fault(name, "%s", schemaFault(err))
		}
		values[name] = value
	}
	return values, faults.Err()
}

// throughJSON returns a value in the types that encoding/json decodes to, which is what schemas and templates know, but
// with whole numbers as such.
func throughJSON(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var decoded any
	if err := json.Unmarshal(text, &decoded); err != nil {
		return nil, err
	}
	return wholeNumbers(decoded), nil
}

// wholeNumbers makes integers of floats that are: a template prints 1000000 as such, and not as 1e+06.
func wholeNumbers(value any) any {
	switch v := value.(type) {
	case float64:
		if whole := int64(v); float64(whole) == v {
			return whole
		}
	case map[string]any:
		for key, item := range v {
			v[key] = wholeNumbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = wholeNumbers(item)
		}
	}
	return value
}
