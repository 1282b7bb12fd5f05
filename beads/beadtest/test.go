package beadtest

// Kind is the kind of the objects in tests/*.yaml. Their API version is that of Beads.
const Kind = "BeadTest"

// Test is one test of a Bead.
type Test struct {
	Name string
	File string // the file of the Bead that it is in
	Line int    // where in it the test begins, counted from 1
	Spec Spec
}

// Spec says what is done and what must come of it.
type Spec struct {
	// Description says in a line what the test is about.
	Description string `json:"description,omitempty"`

	// Values are parameters of the Bead for this test; the others have their defaults.
	Values map[string]any `json:"values,omitempty"`

	// Given are objects that are there before anything else of the test, and gone after it.
	Given []map[string]any `json:"given,omitempty"`

	// Composes are claims, and what they must compose.
	Composes []Composition `json:"composes,omitempty"`

	// Admits are objects that must be let in.
	Admits []Admission `json:"admits,omitempty"`

	// Refuses are objects that must not be let in.
	Refuses []Refusal `json:"refuses,omitempty"`

	// Templates are inputs of software templates, and the files that must come of them.
	Templates []TemplateRun `json:"templates,omitempty"`
}

// Composition is a claim and what it must compose.
type Composition struct {
	Claim map[string]any `json:"claim"`

	// Ready is what the claim's condition Ready must become; nil: anything.
	Ready *bool `json:"ready,omitempty"`

	// Objects must be there with at least these fields. A list must have as many items.
	Objects []map[string]any `json:"objects,omitempty"`

	// Absent are objects, by kind and name, that must not be there when everything else is.
	Absent []map[string]any `json:"absent,omitempty"`
}

// Admission is an object that must be let in: created, or changed to what it is if it is there already. It is a dry
// run.
type Admission struct {
	Object map[string]any `json:"object"`
	As     *User          `json:"as,omitempty"` // nil: the cluster's administrator
}

// Refusal is an object that must not be let in.
type Refusal struct {
	Object map[string]any `json:"object"`
	As     *User          `json:"as,omitempty"`

	// Message is a part of what the refusal says, so that no other refusal is taken for it.
	Message string `json:"message"`
}

// User is on whose behalf something is asked for. What a role does not allow them, no policy is asked about.
type User struct {
	User   string   `json:"user"`
	Groups []string `json:"groups,omitempty"`
}

// TemplateRun is a software template with its parameters, and the files that must come of it.
type TemplateRun struct {
	Template string              `json:"template"`
	Input    map[string]any      `json:"input,omitempty"`
	Files    map[string]FileText `json:"files,omitempty"`
}

// FileText is what is in a file.
type FileText struct {
	Equals   *string  `json:"equals,omitempty"`
	Contains []string `json:"contains,omitempty"`
}

// needsHub says whether the test is about a cluster.
func (t Test) needsHub() bool {
	return len(t.Spec.Given)+len(t.Spec.Composes)+len(t.Spec.Admits)+len(t.Spec.Refuses) > 0
}

// objects are all objects that the test names.
func (t Test) objects() []map[string]any {
	all := append([]map[string]any{}, t.Spec.Given...)
	for _, c := range t.Spec.Composes {
		all = append(append(append(all, c.Claim), c.Objects...), c.Absent...)
	}
	for _, a := range t.Spec.Admits {
		all = append(all, a.Object)
	}
	for _, r := range t.Spec.Refuses {
		all = append(all, r.Object)
	}
	return all
}
