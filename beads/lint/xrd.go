package lint

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkXRD judges a CompositeResourceDefinition as Crossplane and the API server do.
func (l *linter) checkXRD(ctx context.Context, d *document) {
	group, plural, kind := textAt(d.object, "spec", "group"), textAt(d.object, "spec", "names", "plural"), textAt(d.object,
		"spec", "names", "kind")
	if group == "" || plural == "" || kind == "" {
		return // the schema has said so
	}
	if want := plural + "." + group; d.name() != want {
		l.fault(ruleXRDName, d, "metadata.name", "%s is not what spec.names.plural and spec.group say: want %s", d.name(),
			want)
	}
	if !l.checkXRDVersions(d) {
		return
	}
	l.checkReserved(d)
	crd, err := kinds.FromXRD(d.object)
	if err != nil {
		l.fault(ruleXRDSchema, d, "spec", "is no definition: %v", err)
		return
	}
	for _, fault := range validateCRD(ctx, crd) {
		l.xrdFault(d, fault)
	}
}

// checkXRDVersions reports whether every version has a schema, and what is wrong with the versions among each other.
func (l *linter) checkXRDVersions(d *document) bool {
	whole := true
	var referenceable []int
	names := make(map[string]int)
	for i, version := range listAt(d.object, "spec", "versions") {
		path := strictyaml.Index("spec.versions", i)
		name := textAt(version, "name")
		if earlier, twice := names[name]; twice {
			l.fault(ruleXRDVersions, d, path+".name", "%s is item %d already", name, earlier)
			whole = false
		}
		names[name] = i
		if at(version, "referenceable") == true {
			referenceable = append(referenceable, i)
			if at(version, "served") != true {
				l.fault(ruleXRDVersions, d, path+".served",
					"is not true, and compositions refer to this version: want served: true")
			}
		}
		properties, _ := at(version, "schema", "openAPIV3Schema", "properties").(map[string]any)
		if _, ok := properties["spec"]; !ok && !d.at.Unread(path+".schema") {
			l.fault(ruleXRDSchema, d, path+".schema",
				"says nothing of spec: want openAPIV3Schema with the properties of what people ask for")
			whole = false
		}
	}
	if len(referenceable) != 1 && len(names) > 0 {
		l.fault(ruleXRDVersions, d, "spec.versions",
			"%d versions are referenceable: want exactly one, which compositions refer to", len(referenceable))
		whole = false
	}
	return whole
}

// checkReserved reports properties that Crossplane puts its own in the place of.
func (l *linter) checkReserved(d *document) {
	for i, version := range listAt(d.object, "spec", "versions") {
		path := strictyaml.Index("spec.versions", i) + ".schema.openAPIV3Schema.properties"
		properties := at(version, "schema", "openAPIV3Schema", "properties")
		for _, field := range []struct{ part, name string }{{"spec", "crossplane"}, {"status", "crossplane"},
			{"status", "conditions"}} {
			if at(properties, field.part, "properties", field.name) != nil {
				l.fault(ruleXRDReserved, d, fmt.Sprintf("%s.%s.properties.%s", path, field.part, field.name),
					"%s.%s is Crossplane's own: take it out, or call it something else", field.part, field.name)
			}
		}
	}
}

// validateCRD returns what the API server has against the definition that Crossplane makes.
func validateCRD(ctx context.Context, crd *apiextensionsv1.CustomResourceDefinition) field.ErrorList {
	for _, version := range crd.Spec.Versions {
		if version.Storage {
			crd.Status.StoredVersions = []string{version.Name}
		}
	}
	internal := new(apiextensions.CustomResourceDefinition)
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal,
		nil); err != nil {
		return field.ErrorList{field.InternalError(field.NewPath("spec"), err)}
	}
	return crdvalidation.ValidateCustomResourceDefinition(ctx, internal)
}

// celFault is how a rule that does not compile is described.
var celFault = regexp.MustCompile(`ERROR: <input>:(\d+):(\d+): ([^\n]*)`)

// xrdFault reports a fault of the definition where the CompositeResourceDefinition has it.
func (l *linter) xrdFault(d *document, fault *field.Error) {
	// A definition with one schema for all versions has it at its top.
	text := strings.Replace(fault.Field, "spec.validation", "spec.versions[0].schema", 1)
	path := kinds.FieldPath(text)
	if found := celFault.FindAllStringSubmatch(fault.Detail, -1); len(found) > 0 {
		for _, match := range found {
			line, column := d.within(path, number(match[1]), number(match[2]))
			l.report(ruleXRDRule, d.file, line, column, "%sdoes not compile: %s", d.called(path), match[3])
		}
		return
	}
	rule := ruleXRDSchema
	switch {
	case strings.Contains(text, "x-kubernetes-validations"):
		rule = ruleXRDRule
	case strings.HasPrefix(text, "spec.names"), strings.HasPrefix(text, "spec.group"), strings.HasPrefix(text, "metadata"):
		rule = ruleXRDName
	}
	if rule == ruleXRDName && !d.at.Has(path) || fault.Field == "metadata.name" || strings.HasPrefix(fault.Field,
		"status") {
		return // not what the author gave, or reported by the names above
	}
	l.fault(rule, d, path, "%s", kinds.Explain(fault))
}

// number reads digits.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
