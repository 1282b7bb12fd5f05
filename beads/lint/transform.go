package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkTransforms judges a patch's transforms, and returns the type of what comes out of the last of them for a value
// of the type given; empty if it is not known.
func (p *patches) checkTransforms(transforms []any, path, given string) string {
	for i, transform := range transforms {
		at := strictyaml.Index(path, i)
		kind := textAt(transform, "type")
		mapping, _ := transform.(map[string]any)
		settings, ok := mapping[kind].(map[string]any)
		if kind == "" || !ok {
			if slices.Contains([]string{"convert", "map", "match", "math", "string"},
				kind) { // others are the schema's to report
				p.fault(ruleTransform, p.document, at, "has no %s: a transform of this type needs it", kind)
			}
			return ""
		}
		given = p.checkTransform(kind, settings, at+"."+kind, given)
	}
	return given
}

// checkTransform judges one transform.
func (p *patches) checkTransform(kind string, settings map[string]any, path, given string) string {
	switch kind {
	case "string":
		p.checkString(settings, path)
		return "string"
	case "math":
		if given != "" && given != "integer" && given != "number" {
			p.fault(ruleTransform, p.document, path, "takes a number, and is given a %s", given)
		}
		p.needs(settings, path, "type",
			map[string]string{"Multiply": "multiply", "ClampMin": "clampMin", "ClampMax": "clampMax"})
		return given // a whole number stays one
	case "convert":
		return typeOf(textAt(settings, "toType"))
	case "map":
		if len(settings) == 0 {
			p.fault(ruleTransform, p.document, path, "has no pairs: want the values by what is given")
		}
		return mapped(settings)
	case "match":
		for i, pattern := range listAt(settings, "patterns") {
			p.regexp(textAt(pattern, "regexp"), strictyaml.Index(path+".patterns", i)+".regexp")
		}
	}
	return ""
}

// checkString judges a transform of text. Its type must be given: the function has no default for it, whatever its
// schema says.
func (p *patches) checkString(settings map[string]any, path string) {
	p.needs(settings, path, "type", map[string]string{
		"Format": "fmt", "Convert": "convert", "TrimPrefix": "trim", "TrimSuffix": "trim", "Regexp": "regexp",
	})
	if message := badFormat(textAt(settings, "fmt"), 1); message != "" && settings["fmt"] != nil {
		p.fault(ruleTransform, p.document, path+".fmt", "%s", message)
	}
	p.regexp(textAt(settings, "regexp", "match"), path+".regexp.match")
}

// needs reports whether the setting that goes with a transform's type is there. Types that are none are the schema's to
// report.
func (p *patches) needs(settings map[string]any, path, field string, by map[string]string) {
	kind := textAt(settings, field)
	if kind == "" {
		types := make([]string, 0, len(by))
		for name := range by {
			types = append(types, name)
		}
		p.fault(ruleTransform, p.document, path, "has no %s: want one of %s", field, strings.Join(sortedStrings(types), ", "))
		return
	}
	if need, ok := by[kind]; ok && settings[need] == nil {
		p.fault(ruleTransform, p.document, path, "has no %s: type %s needs it", need, kind)
	}
}

func (p *patches) regexp(text, path string) {
	if _, err := regexp.Compile(text); err != nil {
		p.fault(ruleTransform, p.document, path, "is no regular expression: %v", err)
	}
}

// typeOf is the schema's name for what a conversion makes.
func typeOf(converted string) string {
	switch converted {
	case "bool":
		return "boolean"
	case "int", "int64":
		return "integer"
	case "float64":
		return "number"
	}
	return converted
}

// mapped is the type of a map's values, empty if they are of several.
func mapped(pairs map[string]any) string {
	types := make(map[string]bool)
	last := ""
	for _, value := range pairs {
		switch value.(type) {
		case string:
			last = "string"
		case bool:
			last = "boolean"
		case int64:
			last = "integer"
		case float64:
			last = "number"
		default:
			last = ""
		}
		types[last] = true
	}
	if len(types) != 1 {
		return ""
	}
	return last
}

// verb is where a format of package fmt puts something in: %s, or %[2]s for the second of the values.
var verb = regexp.MustCompile(`%[-+# 0-9.]*(?:\[(\d+)\])?[-+# 0-9.]*[a-zA-Z]`)

// badFormat says what a format has that does not go with the number of values, if something is.
func badFormat(format string, values int) string {
	verbs := verb.FindAllStringSubmatch(strings.ReplaceAll(format, "%%", ""), -1)
	byNumber := false
	for _, found := range verbs {
		if found[1] == "" {
			continue
		}
		byNumber = true
		if n := number(found[1]); n < 1 || n > values {
			return fmt.Sprintf("puts in value %d of %d", n, values)
		}
	}
	if !byNumber && len(verbs) != values {
		return fmt.Sprintf("puts in %d values, and is given %d: want a verb such as %%s for each", len(verbs), values)
	}
	return ""
}

func sortedStrings(names []string) []string {
	slices.Sort(names)
	return names
}
