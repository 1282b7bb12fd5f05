package lint

import (
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/back-stack/backstack/beads/lint/policycel"
	"github.com/back-stack/backstack/internal/strictyaml"
)

const policyGroup = "policies.kyverno.io"

// checkPolicy judges what a policy says in expressions and by reference.
func (l *linter) checkPolicy(w *world, d *document) error {
	kind := d.kind().Kind
	env, err := policycel.New(kind)
	if err != nil {
		return err
	}
	for _, e := range expressions(kind) {
		l.checkExpressions(d, env, e)
	}
	l.checkMatches(w, d, "spec.matchConstraints")
	if kind == "PolicyException" {
		l.checkException(w, d)
	}
	return nil
}

// expression says where a kind of policy has expressions, and what they must amount to.
type expression struct {
	list  string // beneath spec; empty for a single one
	path  string // within an item
	types []*cel.Type
}

// expressions are those of a kind of policy, in the order in which Kyverno compiles them: a variable can be used by
// what comes after it.
func expressions(kind string) []expression {
	boolean := []*cel.Type{cel.BoolType}
	conditions := expression{"matchConditions", "expression", boolean}
	variables := expression{"variables", "expression", nil}
	audit := expression{"auditAnnotations", "valueExpression", []*cel.Type{cel.StringType, cel.NullType}}
	validations := []expression{
		{"validations", "expression", boolean}, {"validations", "messageExpression", []*cel.Type{cel.StringType}}, audit,
	}
	switch strings.TrimPrefix(kind, "Namespaced") {
	case "ValidatingPolicy":
		return append([]expression{conditions, variables}, validations...)
	case "ImageValidatingPolicy":
		return append([]expression{
			conditions, {"matchImageReferences", "expression", boolean},
			{"images", "expression",
				[]*cel.Type{cel.ListType(cel.StringType), cel.DynType, cel.ListType(cel.DynType)}}, variables,
		}, validations...)
	case "MutatingPolicy":
		return []expression{
			variables, conditions, {"", "targetMatchConstraints.expression", nil}, {"targetMatchConditions", "expression",
				boolean}, audit,
			{"mutations", "jsonPatch.expression", []*cel.Type{cel.ListType(cel.ObjectType("JSONPatch"))}},
			{"mutations", "applyConfiguration.expression", []*cel.Type{cel.ObjectType("Object")}},
		}
	case "GeneratingPolicy":
		return []expression{conditions, variables, {"generate", "expression", boolean}, audit}
	case "DeletingPolicy":
		return []expression{variables, {"conditions", "expression", boolean}}
	case "PolicyException":
		return []expression{conditions}
	}
	return nil
}

// checkExpressions compiles the expressions of one list.
func (l *linter) checkExpressions(d *document, env *policycel.Environment, e expression) {
	items := []any{at(d.object, "spec")}
	paths := []string{"spec"}
	if e.list != "" {
		items = listAt(d.object, "spec", e.list)
		paths = nil
		for i := range items {
			paths = append(paths, strictyaml.Index("spec."+e.list, i))
		}
	}
	names := make(map[string]bool)
	for i, item := range items {
		name := textAt(item, "name")
		if name != "" && names[name] && e.path == "expression" {
			l.fault(ruleCEL, d, paths[i]+".name", "%s is the name of another: give each a name of its own", name)
		}
		names[name] = true
		text := textAt(item, strings.Split(e.path, ".")...)
		if text == "" {
			continue
		}
		var problems []policycel.Problem
		if e.list == "variables" {
			problems = env.Variable(name, text)
		} else {
			problems = env.Compile(text, e.types...)
		}
		path := paths[i] + "." + e.path
		for _, problem := range problems {
			line, column := d.within(path, problem.Line, problem.Column)
			l.report(ruleCEL, d.file, line, column, "%s%s", d.called(path), problem.Message)
		}
	}
}

// checkMatches judges what a policy is about.
func (l *linter) checkMatches(w *world, d *document, path string) {
	constraints, ok := at(d.object, strings.Split(path, ".")...).(map[string]any)
	if !ok {
		return
	}
	rules := listAt(constraints, "resourceRules")
	if len(rules) == 0 {
		l.fault(ruleMatch, d, path+".resourceRules", "is empty: the policy matches nothing")
	}
	for i, rule := range rules {
		at := strictyaml.Index(path+".resourceRules", i)
		groups := texts(rule, "apiGroups")
		for _, field := range []string{"apiGroups", "apiVersions", "resources", "operations"} {
			if field == "operations" && strings.HasSuffix(d.kind().Kind, "DeletingPolicy") {
				continue // it runs by the clock, and not when something is done
			}
			if len(texts(rule, field)) == 0 {
				l.fault(ruleMatch, d, at+"."+field, "is missing or empty: the rule matches nothing")
			}
		}
		for n, resource := range texts(rule, "resources") {
			known := l.resources(w, groups)
			name, _, _ := strings.Cut(resource, "/")
			if known == nil || name == "*" || slices.Contains(known, name) {
				continue
			}
			hint := ""
			if nearest, ok := strictyaml.Nearest(name, known); ok {
				hint = " (did you mean " + nearest + "?)"
			}
			l.fault(ruleMatch, d, strictyaml.Index(at+".resources", n), "%s is no resource of the API group %s%s",
				name, strings.Join(groups, ", "), hint)
		}
	}
}

// texts are the strings of a list in an object.
func texts(object any, path ...string) []string {
	var found []string
	for _, item := range listAt(object, path...) {
		if text, ok := item.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

// resources are the plural names of all kinds of the groups; nil if they are not known of one of them.
func (l *linter) resources(w *world, groups []string) []string {
	var known []string
	for _, group := range groups {
		before := len(known)
		for _, d := range w.xrds() {
			if textAt(d.object, "spec", "group") == group {
				known = append(known, textAt(d.object, "spec", "names", "plural"))
			}
		}
		if scheme.Scheme.IsGroupRegistered(group) {
			for _, kind := range l.library.Kinds(group) {
				plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: group, Kind: kind})
				known = append(known, plural.Resource)
			}
		}
		if len(known) == before {
			return nil
		}
	}
	return known
}

// checkException judges which policies an exception is about.
func (l *linter) checkException(w *world, d *document) {
	for i, ref := range listAt(d.object, "spec", "policyRefs") {
		kind, name := textAt(ref, "kind"), textAt(ref, "name")
		if kind != "" && name != "" && !w.has(policyGroup, kind, name) {
			l.fault(ruleException, d, strictyaml.Index("spec.policyRefs", i)+".name",
				"the Bead has no %s called %s: it must be the hub's own, or another Bead's", kind, name)
		}
	}
}
