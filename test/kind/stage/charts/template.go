package charts

import (
	"bytes"
	"fmt"
	"regexp"

	"sigs.k8s.io/yaml"
)

// An object becomes a template by marks: strings in it, in the place of values, of which template makes what Helm runs.
// The object stays a tree until then, so that nothing depends on how its text happens to be laid out.

// include marks the place of a named template's one line.
func include(name string) string { return mark("include", name) }

// block marks the place of a named template's lines.
func block(name string) string { return mark("block", name) }

// value marks the place of a plain value of the chart's values.
func value(path string) string { return mark("value", path) }

// values marks the place of a map or list of the chart's values.
func values(path string) string { return mark("values", path) }

// optional marks the place of a map or list of the chart's values, which goes with its key if that is empty.
func optional(path string) string { return mark("optional", path) }

// appended marks where in a list, or as a key in a map, the items of one of the chart's values go.
func appended(path string) string { return mark("append", path) }

func mark(verb, argument string) string { return "((" + verb + " " + argument + "))" }

// appendedTo is a list, or none, with a mark behind it for a list of the chart's values.
func appendedTo(list any, path string) []any {
	items, _ := list.([]any)
	return append(items[:len(items):len(items)], appended(path))
}

// How marks look in a line of the object's text.
var (
	lineMark   = regexp.MustCompile(`(?m)^( *)(- )?([\w./-]+): \(\((block|values|optional) ([\w.]+)\)\)$`)
	appendMark = regexp.MustCompile(`(?m)^( *)(?:- )?\(\(append ([\w.]+)\)\)(?:: "")?$`)
	inlineMark = regexp.MustCompile(`\(\((include|value) ([\w.]+)\)\)`)
	anyMark    = regexp.MustCompile(`\(\((include|block|value|values|optional|append) [^\n]*`)
)

// template is the text of a template of the object, which is made only if the condition, a path in the chart's values,
// holds or is empty.
func template(object map[string]any, condition string) ([]byte, error) {
	text, err := yaml.Marshal(object)
	if err != nil {
		return nil, err
	}
	// What looks like a template in the object is not one: descriptions of fields have examples.
	text = bytes.ReplaceAll(text, []byte("{{"), []byte(`{{ "{{" }}`))
	text = lineMark.ReplaceAllFunc(text, func(line []byte) []byte {
		m := lineMark.FindStringSubmatch(string(line))
		indent, dash, key, verb, argument := m[1], m[2], m[3], m[4], m[5]
		depth := len(indent) + len(dash) + 2
		switch verb {
		case "block":
			return fmt.Appendf(nil, "%s%s%s:\n{{- include %q . | nindent %d }}", indent, dash, key, argument, depth)
		case "values":
			return fmt.Appendf(nil, "%s%s%s:\n{{- toYaml .Values.%s | nindent %d }}", indent, dash, key, argument, depth)
		default:
			return fmt.Appendf(nil, "{{- with .Values.%s }}\n%s%s%s:\n{{- toYaml . | nindent %d }}\n{{- end }}",
				argument, indent, dash, key, depth)
		}
	})
	text = appendMark.ReplaceAllFunc(text, func(line []byte) []byte {
		m := appendMark.FindStringSubmatch(string(line))
		return fmt.Appendf(nil, "{{- with .Values.%s }}\n{{- toYaml . | nindent %d }}\n{{- end }}", m[2], len(m[1]))
	})
	text = inlineMark.ReplaceAllFunc(text, func(found []byte) []byte {
		m := inlineMark.FindStringSubmatch(string(found))
		if m[1] == "include" {
			return fmt.Appendf(nil, "{{ include %q . }}", m[2])
		}
		return fmt.Appendf(nil, "{{ .Values.%s }}", m[2])
	})
	if left := anyMark.Find(text); left != nil {
		return nil, fmt.Errorf("%q is not where a mark can be", left)
	}
	if condition != "" {
		text = fmt.Appendf(nil, "{{- if .Values.%s }}\n%s{{- end }}\n", condition, text)
	}
	return text, nil
}
