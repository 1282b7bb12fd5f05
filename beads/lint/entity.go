package lint

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// entityKinds are the catalog's kinds, by API version.
func entityKinds() map[string][]string {
	return map[string][]string{
		"backstage.io/v1alpha1":           {"API", "Component", "Domain", "Group", "Location", "Resource", "System", "User"},
		"scaffolder.backstage.io/v1beta3": {"Template"},
	}
}

// entityNeeds are the fields that an entity of a kind must have beneath spec
// (https://backstage.io/docs/features/software-catalog/descriptor-format).
func entityNeeds(kind string) []string {
	return map[string][]string{
		"API": {"type", "lifecycle", "owner", "definition"}, "Component": {"type", "lifecycle", "owner"}, "Domain": {"owner"},
		"Group": {"type", "children"}, "Resource": {"type", "owner"}, "System": {"owner"}, "Template": {"type", "steps"},
	}[kind]
}

// entityName is what the catalog takes as a name.
var entityName = regexp.MustCompile(`^[a-zA-Z0-9]+(?:[-_.][a-zA-Z0-9]+)*$`)

// maxEntityName is the length over which the catalog refuses a name.
const maxEntityName = 63

// checkEntity judges an entity of the catalog, which is in a file of templates/ that is no skeleton's.
func (l *linter) checkEntity(w *world, d *document) {
	version, kind := textAt(d.object, "apiVersion"), textAt(d.object, "kind")
	known, ok := entityKinds()[version]
	switch {
	case !ok && kind == "Template":
		l.fault(ruleEntity, d, "apiVersion", "%s is not a Template's: want scaffolder.backstage.io/v1beta3", version)
		return
	case !ok:
		l.fault(ruleEntity, d, "apiVersion",
			"%s is not the catalog's: want backstage.io/v1alpha1, or scaffolder.backstage.io/v1beta3 for a Template", version)
		return
	case !slices.Contains(known, kind):
		l.fault(ruleEntity, d, "kind", "%s has no kind %s: %s", version, kind, strictyaml.OneOf(kind, known))
		return
	}
	if name := d.name(); !entityName.MatchString(name) || len(name) > maxEntityName {
		l.fault(ruleEntity, d, "metadata.name",
			"%s is no name for the catalog: want letters and digits, with single - _ or . between, at most %d",
			strictyaml.Quote(name), maxEntityName)
	}
	for _, field := range entityNeeds(kind) {
		if at(d.object, "spec", field) == nil {
			l.fault(ruleEntity, d, "spec", "has no %s: a %s needs it", field, kind)
		}
	}
	for _, other := range w.documents {
		if other == d {
			break
		}
		if other.part == bead.PartTemplates && sameEntity(other, d) {
			line, _ := other.place("metadata.name")
			l.fault(ruleEntityTwice, d, "metadata.name", "%s %s is defined in %s:%d already", kind, d.name(), other.file, line)
		}
	}
	if kind == "Template" {
		l.checkTemplate(d)
	}
}

// sameEntity says whether the catalog takes two entities for one: it makes no difference of upper and lower case.
func sameEntity(a, b *document) bool {
	key := func(d *document) string {
		namespace := textAt(d.object, "metadata", "namespace")
		if namespace == "" {
			namespace = "default"
		}
		group := schema.FromAPIVersionAndKind(textAt(d.object, "apiVersion"), textAt(d.object, "kind"))
		return strings.ToLower(strings.Join([]string{group.Kind, namespace, d.name()}, " "))
	}
	return key(a) == key(b)
}

// checkTemplate judges a software template.
func (l *linter) checkTemplate(d *document) {
	t := template{linter: l, document: d, parameters: make(map[string]bool), steps: make(map[string]bool)}
	t.checkParameters()
	for i, step := range listAt(d.object, "spec", "steps") {
		t.checkStep(step, strictyaml.Index("spec.steps", i))
	}
	t.checkExpressions(at(d.object, "spec", "output"), "spec.output")
}

// template judges one software template.
type template struct {
	*linter
	document   *document
	parameters map[string]bool // declared
	open       bool            // more of them than can be told may be
	steps      map[string]bool // ids of the steps so far
}

// checkStep judges a step. Its id can be used from the next step on.
func (t *template) checkStep(step any, at string) {
	t.checkExpressions(step, at)
	id := textAt(step, "id")
	if t.steps[id] && id != "" {
		t.fault(ruleStep, t.document, at+".id", "%s is the id of an earlier step", id)
	}
	t.steps[id] = true
	action := textAt(step, "action")
	if action == "" {
		t.fault(ruleStep, t.document, at, "has no action: want one such as fetch:template")
		return
	}
	if !knownAction(action) {
		t.fault(ruleAction, t.document, at+".action", "Backstage has no action %s: %s", action, nearestAction(action))
		return
	}
	if action == "fetch:template" || action == "fetch:plain" {
		t.checkSkeleton(step, at)
	}
}

// checkSkeleton judges what a step copies, if it is in the Bead.
func (t *template) checkSkeleton(step any, where string) {
	url := textAt(step, "input", "url")
	switch {
	case url == "":
		t.fault(ruleSkeleton, t.document, where+".input", "has no url: want what is copied, such as ./skeleton")
		return
	case strings.Contains(url, "://") || strings.Contains(url, "${{"):
		return
	}
	dir := path.Join(path.Dir(t.document.file), url)
	skeleton := t.files.Sub(dir)
	if len(skeleton) == 0 {
		t.fault(ruleSkeleton, t.document, where+".input.url", "there are no files in %s: want what the template copies there",
			dir)
		return
	}
	free := at(step, "input", "copyWithoutTemplating") != nil || at(step, "input", "cookiecutterCompat") != nil ||
		at(step, "input", "templateFileExtension") != nil
	if textAt(step, "action") == "fetch:template" && !free {
		values, _ := at(step, "input", "values").(map[string]any)
		t.checkSkeletonValues(dir, skeleton, values)
	}
}

// skeletonValue is where a skeleton uses a value.
var skeletonValue = regexp.MustCompile(`\bvalues\.([A-Za-z_][A-Za-z0-9_]*)`)

// checkSkeletonValues reports values that a skeleton uses and the step does not give.
func (t *template) checkSkeletonValues(dir string, skeleton bead.Files, values map[string]any) {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	names = sortedStrings(names)
	for file, content := range skeleton.All() {
		if notText(content) > 0 {
			continue
		}
		for _, place := range backstage.FindAllIndex(content, -1) {
			for _, found := range skeletonValue.FindAllSubmatchIndex(content[place[0]:place[1]], -1) {
				name := string(content[place[0]+found[2] : place[0]+found[3]])
				if _, ok := values[name]; !ok {
					t.report(ruleSkeletonValue, path.Join(dir, file), lineAt(content, place[0]+found[0]), 0,
						"values.%s is not given by the step that copies this (%s): %s", name, t.document.file, strictyaml.OneOf(name,
							names))
				}
			}
		}
	}
}
