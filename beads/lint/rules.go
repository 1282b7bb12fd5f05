package lint

// Rule is something that Lint looks for.
type Rule struct {
	ID       string   `json:"id"` // stable
	Severity Severity `json:"severity"`
	Doc      string   `json:"doc"` // what is wrong where it finds something, in one line
}

// The rules, by what they are about.
const (
	// bead.yaml and what it says of versions.
	ruleBeadYAML      = "bead-yaml"
	ruleLicense       = "license"
	ruleRequirement   = "requirement-unsatisfiable"
	ruleCycle         = "requirement-cycle"
	ruleParameterUsed = "parameter-unused"

	// Files and what they hold as text.
	ruleFileRefused  = "file-refused"
	ruleFileText     = "file-not-text"
	ruleFileUnknown  = "file-unknown"
	ruleSecret       = "secret-in-file"
	ruleYAML         = "yaml-syntax"
	ruleDuplicateKey = "yaml-duplicate-key"
	ruleTemplate     = "template-syntax"
	ruleValue        = "value-undeclared"
	ruleRender       = "render"

	// Objects.
	ruleObject        = "object-incomplete"
	ruleTwice         = "object-twice"
	ruleSchema        = "object-schema"
	ruleKindUnknown   = "kind-unknown"
	ruleKindMisplaced = "kind-misplaced"
	ruleKindOld       = "kind-superseded"
	ruleRefused       = "hub-refuses"
	ruleNamespace     = "hub-namespace"
	ruleAggregation   = "role-not-aggregated"

	// Crossplane.
	ruleXRDName       = "xrd-names"
	ruleXRDVersions   = "xrd-versions"
	ruleXRDReserved   = "xrd-reserved-field"
	ruleXRDSchema     = "xrd-schema"
	ruleXRDRule       = "xrd-rule"
	ruleComposite     = "composition-type"
	ruleCompositeElse = "composition-type-elsewhere"
	ruleFunction      = "composition-function"
	rulePipeline      = "composition-pipeline"
	ruleComposed      = "composed-object"
	ruleComposedKind  = "composed-kind-unchecked"
	ruleComposedScope = "composed-scope"
	rulePatch         = "patch"
	rulePatchField    = "patch-field"
	rulePatchType     = "patch-type"
	ruleTransform     = "patch-transform"

	// Kyverno.
	ruleCEL       = "policy-expression"
	ruleMatch     = "policy-match"
	ruleException = "policy-exception"

	// Backstage.
	ruleEntity        = "entity"
	ruleEntityTwice   = "entity-twice"
	ruleAction        = "action-unknown"
	ruleStep          = "template-step"
	ruleParameters    = "template-parameters"
	ruleExpression    = "template-expression"
	ruleSkeleton      = "template-skeleton"
	ruleSkeletonValue = "template-skeleton-value"

	// Tests.
	ruleTest = "test"
)

// Rules lists everything that Lint looks for, in the order of the format's parts.
func Rules() []Rule {
	return []Rule{
		{ruleBeadYAML, Error,
			"bead.yaml is missing, has unknown or missing fields, or values that the format does not allow."},
		{ruleLicense, Error, "spec.license is no SPDX licence expression."},
		{ruleRequirement, Error, "No version that there is satisfies a range in spec.requires."},
		{ruleCycle, Error, "Beads require each other in a circle."},
		{ruleParameterUsed, Warning, "A parameter is declared and used by no file."},
		{ruleFileRefused, Error,
			"A file, or the Bead as a whole, is larger than a Bead may be, or a file is none but a link or a device."},
		{ruleFileText, Error, "A file that is read as text is not UTF-8."},
		{ruleFileUnknown, Warning, "A file is where nothing reads it."},
		{ruleSecret, Error, "A file holds what looks like a credential: a private key, a token, a password, a Secret."},
		{ruleYAML, Error, "A file is not YAML, or holds what YAML 1.1 and 1.2 read differently."},
		{ruleDuplicateKey, Error, "A field is given twice."},
		{ruleTemplate, Error, "A template's actions ({{ ... }}) cannot be parsed."},
		{ruleValue, Error, "A template uses a value that no parameter declares."},
		{ruleRender, Error, "A template, chart or kustomization does not render with the parameters' defaults."},
		{ruleObject, Error, "A document is no object: it lacks apiVersion, kind or metadata.name."},
		{ruleTwice, Error, "An object is defined twice."},
		{ruleSchema, Error, "An object has fields or values that its kind does not allow, or lacks some that it needs."},
		{ruleKindUnknown, Error, "There is no such kind in an API group that is known."},
		{ruleKindMisplaced, Error, "An object is of a kind that does not belong in the part."},
		{ruleKindOld, Error, "An object is of a version or kind that another has replaced."},
		{ruleRefused, Error, "The hub refuses objects of the kind from a Bead (AppProject beads)."},
		{ruleNamespace, Error, "An object for the hub is in a namespace that is not a Bead's."},
		{ruleAggregation, Warning, "A ClusterRole has no label by which it is aggregated, and a Bead can bind none."},
		{ruleXRDName, Error, "The names of a CompositeResourceDefinition do not agree with each other."},
		{ruleXRDVersions, Error,
			"A CompositeResourceDefinition has not exactly one referenceable version, or has one twice."},
		{ruleXRDReserved, Error, "A CompositeResourceDefinition declares a field that Crossplane keeps for itself."},
		{ruleXRDSchema, Error, "A CompositeResourceDefinition's schema is missing, or is not structural."},
		{ruleXRDRule, Error, "A rule in a CompositeResourceDefinition's schema (x-kubernetes-validations) does not compile."},
		{ruleComposite, Error, "A Composition is of a kind or version that its CompositeResourceDefinition does not serve."},
		{ruleCompositeElse, Warning,
			"A Composition is of a kind that neither the Bead nor one that it requires is known to define."},
		{ruleFunction, Error, "A Composition uses a function that neither every hub has nor the Bead brings."},
		{rulePipeline, Error, "A Composition's steps or resources have no name, or the same."},
		{ruleComposed, Error,
			"What a Composition composes has fields or values that its kind does not allow, or lacks some."},
		{ruleComposedKind, Warning, "What a Composition composes is of a kind whose schema is not known (--schemas)."},
		{ruleComposedScope, Error,
			"A composite in a namespace composes an object that is in none, which Crossplane refuses."},
		{rulePatch, Error, "A patch lacks what its type needs, or names a patch set that does not exist."},
		{rulePatchField, Error, "A patch reads or writes a field that does not exist."},
		{rulePatchType, Error, "A patch writes a value of another type than the field's."},
		{ruleTransform, Error, "A patch's transform lacks what its type needs, or cannot work."},
		{ruleCEL, Error, "An expression of a policy does not compile, or amounts to a value of the wrong type."},
		{ruleMatch, Error, "A policy matches nothing, or a resource that does not exist."},
		{ruleException, Warning, "A PolicyException is about a policy that is not of the Bead."},
		{ruleEntity, Error, "A catalog entity is of no known kind, or has a name that the catalog refuses."},
		{ruleEntityTwice, Error, "A catalog entity is defined twice."},
		{ruleAction, Error, "A template's step names an action that Backstage does not have."},
		{ruleStep, Error, "A template's step has no id or action, or an id that another has."},
		{ruleParameters, Error, "A template's parameters are no JSON Schema, or require one that is not declared."},
		{ruleExpression, Error,
			"An expression (${{ ... }}) names a parameter that is not declared, or a step that is not earlier."},
		{ruleSkeleton, Error, "A template copies a folder that is not in the Bead."},
		{ruleSkeletonValue, Error, "A skeleton uses a value that the template does not give it."},
		{ruleTest, Error, "A file of tests/ holds what is no BeadTest, or one with unknown or missing fields."},
	}
}

// severities are the rules' severities by their names.
func severities() map[string]Severity {
	all := make(map[string]Severity)
	for _, rule := range Rules() {
		all[rule.ID] = rule.Severity
	}
	return all
}
