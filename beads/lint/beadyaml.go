package lint

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkBead reads bead.yaml, and judges it as far as that needs nothing else.
func (l *linter) checkBead() {
	folder, err := bead.Inspect(l.files)
	l.folder = folder
	var faults strictyaml.Faults
	errors.As(err, &faults)
	for _, fault := range faults {
		rule := ruleBeadYAML
		if strings.HasPrefix(fault.Message, "is given twice") {
			rule = ruleDuplicateKey
		}
		l.report(rule, fault.Source, fault.Line, fault.Column, "%s", withPath(fault))
	}
	if license := folder.Spec.License; license != "" {
		if valid, _ := spdxexp.ValidateLicenses([]string{license}); !valid {
			l.beadFault(ruleLicense, "spec.license",
				"%s is no SPDX licence: want an identifier such as Apache-2.0 (https://spdx.org/licenses/)",
				strictyaml.Quote(license))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(folder.Spec.Parameters)) {
		if defaultsToSecret(name, folder.Spec.Parameters[name]) {
			l.beadFault(ruleSecret, strictyaml.Key("spec.parameters", name)+".default",
				"is the default of what is called a password: take it out, and refer to a Secret in spec.secrets")
		}
	}
}

// beadFault adds a finding of the field at path of bead.yaml.
func (l *linter) beadFault(rule, path, format string, args ...any) {
	line, column := l.folder.Document.Position(path)
	l.report(rule, bead.FileName, line, column, path+": "+format, args...)
}

// withPath is a fault's message with the field that it is about.
func withPath(fault strictyaml.Fault) string {
	if fault.Path == "" {
		return fault.Message
	}
	return fault.Path + ": " + fault.Message
}

// yamlFaults reports what is wrong with a document as YAML.
func (l *linter) yamlFaults(d *document, err error) {
	var faults strictyaml.Faults
	errors.As(err, &faults)
	for _, fault := range faults {
		line, column := d.text.place(d.start+max(fault.Line, 1)-1, fault.Column)
		rule := ruleYAML
		if strings.HasPrefix(fault.Message, "is given twice") {
			rule = ruleDuplicateKey
		}
		l.report(rule, d.file, line, column, "%s",
			earlierLine.ReplaceAllStringFunc(withPath(fault), func(text string) string {
				earlier, _ := d.text.place(d.start+number(text[len("in line "):])-1, 0)
				return fmt.Sprintf("in line %d", earlier)
			}))
	}
}

// earlierLine is where a message about a document speaks of another of its lines.
var earlierLine = regexp.MustCompile(`in line \d+$`)

// defaultsToSecret says whether a parameter is called a password and has one.
func defaultsToSecret(name string, schema map[string]any) bool {
	value, ok := schema["default"].(string)
	return ok && value != "" && secretName.MatchString(name)
}
