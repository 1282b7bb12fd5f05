package beadtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// document is a test as it is written.
type document struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

type metadata struct {
	Name string `json:"name"`
}

// Load reads the tests of a Bead, in the order of their files. The error is nil or, found with errors.As,
// strictyaml.Faults: everything that is wrong in any of the files. What can be told without the Bead is judged.
func Load(files bead.Files) ([]Test, error) {
	var tests []Test
	var faults strictyaml.Faults
	first := make(map[string]string)
	for name, content := range files.All() {
		if !inTests(name) {
			continue
		}
		for _, text := range bead.Documents(string(content)) {
			written := new(document)
			// The lines above are kept as empty ones, so that faults have the lines of the file.
			decoded, err := strictyaml.Decode(append(bytes.Repeat([]byte("\n"), text.Line-1), text.Text...), name, written)
			c := checker{document: decoded}
			errors.As(err, &c.faults)
			if decoded != nil {
				c.check(written, first)
				line, _ := decoded.Position("")
				first[written.Metadata.Name] = fmt.Sprintf("%s:%d", name, line)
				tests = append(tests, Test{Name: written.Metadata.Name, File: name, Line: line, Spec: written.Spec})
			}
			faults = append(faults, c.faults...)
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return tests, nil
}

// inTests says whether a file of a Bead holds tests.
func inTests(name string) bool {
	extension := path.Ext(name)
	return path.Dir(name) == bead.TestsFolder && (extension == ".yaml" || extension == ".yml")
}

// checker collects what is wrong with a test.
type checker struct {
	document *strictyaml.Document
	faults   strictyaml.Faults
}

// fault adds a fault of the value at path, unless that could not even be read.
func (c *checker) fault(path, format string, args ...any) {
	if !c.document.Unread(path) {
		c.faults = append(c.faults, c.document.Fault(path, format, args...))
	}
}

// check judges a test. first says where tests are by their names so far.
func (c *checker) check(d *document, first map[string]string) {
	c.constant("apiVersion", d.APIVersion, bead.APIVersion)
	c.constant("kind", d.Kind, Kind)
	switch name := d.Metadata.Name; {
	case name == "":
		c.fault("metadata.name", "is missing: want a DNS label, such as small-dev")
	case len(validation.IsDNS1123Label(name)) > 0:
		c.fault("metadata.name", `%s is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end`,
			strictyaml.Quote(name))
	case first[name] != "":
		c.fault("metadata.name", "%s is the name of the test in %s: give each a name of its own", strictyaml.Quote(name),
			first[name])
	}
	c.spec(d.Spec)
}

// constant judges a value that can only be one.
func (c *checker) constant(path, value, want string) {
	if value != want {
		c.fault(path, "%s is not what a test has here: want %s", strictyaml.Quote(value), want)
	}
}

func (c *checker) spec(s Spec) {
	if len(s.Composes)+len(s.Admits)+len(s.Refuses)+len(s.Templates) == 0 {
		c.fault("spec", "nothing is expected: want composes, admits, refuses or templates")
	}
	for i, object := range s.Given {
		c.object(strictyaml.Index("spec.given", i), object)
	}
	for i, composition := range s.Composes {
		c.composition(strictyaml.Index("spec.composes", i), composition)
	}
	for i, admission := range s.Admits {
		path := strictyaml.Index("spec.admits", i)
		c.object(path+".object", admission.Object)
		c.user(path+".as", admission.As)
	}
	for i, refusal := range s.Refuses {
		path := strictyaml.Index("spec.refuses", i)
		c.object(path+".object", refusal.Object)
		c.user(path+".as", refusal.As)
		if strings.TrimSpace(refusal.Message) == "" {
			c.fault(path+".message", "is missing: want a part of what the refusal says, or any other refusal would pass for it")
		}
	}
	for i, run := range s.Templates {
		c.template(strictyaml.Index("spec.templates", i), run)
	}
}

func (c *checker) composition(path string, composition Composition) {
	c.object(path+".claim", composition.Claim)
	if len(composition.Objects)+len(composition.Absent) == 0 && composition.Ready == nil {
		c.fault(path, "nothing is expected of the claim: want objects, absent or ready")
	}
	for i, object := range composition.Objects {
		c.object(strictyaml.Index(path+".objects", i), object)
	}
	for i, object := range composition.Absent {
		c.object(strictyaml.Index(path+".absent", i), object)
	}
}

// object judges what every object needs.
func (c *checker) object(path string, content map[string]any) {
	object := unstructured.Unstructured{Object: content}
	if content == nil {
		c.fault(path, "is missing: want an object with apiVersion, kind and metadata.name")
		return
	}
	if object.GetAPIVersion() == "" {
		c.fault(path+".apiVersion", "is missing: want the version of the object's kind, such as v1 or apps/v1")
	} else if _, err := schema.ParseGroupVersion(object.GetAPIVersion()); err != nil {
		c.fault(path+".apiVersion", "%s is not GROUP/VERSION", strictyaml.Quote(object.GetAPIVersion()))
	}
	if object.GetKind() == "" {
		c.fault(path+".kind", "is missing: want the object's kind")
	}
	if object.GetName() == "" {
		c.fault(path+".metadata.name", "is missing: want the object's name")
	}
}

func (c *checker) user(path string, user *User) {
	if user != nil && user.User == "" {
		c.fault(path+".user", "is missing: want the name of a user, such as alice")
	}
}

func (c *checker) template(path string, run TemplateRun) {
	if run.Template == "" {
		c.fault(path+".template", "is missing: want the metadata.name of a Template")
	}
	if len(run.Files) == 0 {
		c.fault(path+".files", "is missing: want at least one file that must come of the template")
	}
	for _, name := range slices.Sorted(maps.Keys(run.Files)) {
		text := run.Files[name]
		if (text.Equals == nil) == (len(text.Contains) == 0) {
			c.fault(strictyaml.Key(path+".files", name), "want either equals, the whole text, or contains, a list of parts of it")
		}
	}
}
