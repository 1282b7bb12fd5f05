package lint

import (
	"strings"

	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// patches judges the patches of one Composition's step.
type patches struct {
	*linter
	document  *document
	composite *kinds.Kind      // nil if it is not known
	sets      map[string][]any // patch sets by name
}

// check judges a patch of a composed object, whose kind is nil if it is not known. What it writes is put into filled,
// which is nil for a patch set by itself: its patches are judged again for each object that they are for.
func (p *patches) check(patch any, path string, composed *kinds.Kind, filled *filled) {
	kind := textAt(patch, "type")
	if kind == "" {
		kind = "FromCompositeFieldPath"
	}
	if kind == "PatchSet" {
		p.checkSet(patch, path, composed, filled)
		return
	}
	var given string // the type of what is written
	whole := false
	switch {
	case strings.HasPrefix(kind, "Combine"):
		given = "string"
		whole = p.checkCombine(patch, path, kind, composed)
	default:
		given, whole = p.checkFrom(textAt(patch, "fromFieldPath"), path+".fromFieldPath", kind, composed)
	}
	given = p.checkTransforms(listAt(patch, "transforms"), path+".transforms", given)
	if !whole {
		return
	}
	to, toPath := textAt(patch, "toFieldPath"), path+".toFieldPath"
	if to == "" {
		if strings.HasPrefix(kind, "Combine") {
			p.fault(rulePatch, p.document, path, "has no toFieldPath: a combination needs one")
			return
		}
		to, toPath = textAt(patch, "fromFieldPath"), path+".fromFieldPath"
	}
	p.checkTo(to, toPath, kind, given, composed, filled)
}

// checkSet judges the patches of a set as those of the object.
func (p *patches) checkSet(patch any, path string, composed *kinds.Kind, filled *filled) {
	name := textAt(patch, "patchSetName")
	set, ok := p.sets[name]
	if !ok {
		names := make([]string, 0, len(p.sets))
		for known := range p.sets {
			names = append(names, known)
		}
		at := path + ".patchSetName"
		if len(names) == 0 {
			p.fault(rulePatch, p.document, at, "%s is no patch set: there are none", strictyaml.Quote(name))
			return
		}
		p.fault(rulePatch, p.document, at, "%s is no patch set: %s", strictyaml.Quote(name),
			strictyaml.OneOf(name, sortedStrings(names)))
		return
	}
	if filled == nil {
		p.fault(rulePatch, p.document, path, "is in a patch set: one set cannot use another")
		return
	}
	for _, inner := range set {
		p.check(inner, path, composed, filled)
	}
}

// source is the kind that patches of a type read from, target the one that they write to; nil if it is not known.
func (p *patches) source(kind string, composed *kinds.Kind) *kinds.Kind {
	switch kind {
	case "FromCompositeFieldPath", "CombineFromComposite":
		return p.composite
	case "ToCompositeFieldPath", "CombineToComposite", "ToEnvironmentFieldPath", "CombineToEnvironment":
		return composed
	}
	return nil
}

func (p *patches) target(kind string, composed *kinds.Kind) *kinds.Kind {
	switch kind {
	case "ToCompositeFieldPath", "CombineToComposite":
		return p.composite
	case "FromCompositeFieldPath", "CombineFromComposite", "FromEnvironmentFieldPath", "CombineFromEnvironment":
		return composed
	}
	return nil
}

// checkFrom judges what a patch reads. It returns its type, empty if that is not known.
func (p *patches) checkFrom(text, path, kind string, composed *kinds.Kind) (given string, ok bool) {
	if text == "" {
		p.fault(rulePatch, p.document, path, "is missing: want the field that is read")
		return "", false
	}
	parsed, err := kinds.ParsePath(text)
	if err != nil {
		p.fault(rulePatchField, p.document, path, "%v", err)
		return "", false
	}
	source := p.source(kind, composed)
	if source == nil {
		return "", true
	}
	field, err := source.Field(parsed)
	if err != nil {
		p.fault(rulePatchField, p.document, path, "%v", err)
		return "", true
	}
	return field.Type, true
}

// checkCombine judges what a patch puts together.
func (p *patches) checkCombine(patch any, path, kind string, composed *kinds.Kind) bool {
	variables := listAt(patch, "combine", "variables")
	if len(variables) == 0 {
		p.fault(rulePatch, p.document, path+".combine", "has no variables: want the fields that are put together")
		return false
	}
	whole := true
	for i, variable := range variables {
		_, ok := p.checkFrom(textAt(variable, "fromFieldPath"),
			strictyaml.Index(path+".combine.variables", i)+".fromFieldPath", kind, composed)
		whole = whole && ok
	}
	format := textAt(patch, "combine", "string", "fmt")
	if format == "" {
		p.fault(rulePatch, p.document, path+".combine.string", "has no fmt: want one such as %s", strictyaml.Quote("%s-%s"))
		return false
	}
	if message := badFormat(format, len(variables)); message != "" {
		p.fault(rulePatch, p.document, path+".combine.string.fmt", "%s", message)
	}
	return whole
}

// checkTo judges what a patch writes, and puts it into filled.
func (p *patches) checkTo(text, path, kind, given string, composed *kinds.Kind, filled *filled) {
	parsed, err := kinds.ParsePath(text)
	if err != nil {
		p.fault(rulePatchField, p.document, path, "%v", err)
		return
	}
	toComposite := kind == "ToCompositeFieldPath" || kind == "CombineToComposite"
	if toComposite && parsed[0].Field != "status" {
		p.fault(rulePatchField, p.document, path,
			"Crossplane writes nothing of a composite but its status: want a field beneath status")
		return
	}
	target := p.target(kind, composed)
	var field kinds.Field
	if target != nil {
		if field, err = target.Field(parsed); err != nil {
			p.fault(rulePatchField, p.document, path, "%v", err)
			return
		}
		if !fits(given, field.Type) {
			p.fault(rulePatchType, p.document, path,
				"is of type %s in %s, and the patch writes type %s: want a transform of type convert",
				field.Type, target.Kind, given)
		}
	}
	if !toComposite && target != nil && filled != nil {
		filled.write(parsed, field)
	}
}

// fits says whether a value of one type can stand where another is wanted. An empty type is one that is not known.
func fits(given, want string) bool {
	return given == "" || want == "" || given == want || given == "integer" && want == "number"
}
