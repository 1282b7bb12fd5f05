package bead

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Folder is a Bead that was loaded: what bead.yaml says and the files it is made of.
type Folder struct {
	Bead
	Files    Files
	Document *strictyaml.Document // where in bead.yaml everything stands
}

// Load reads a Bead. The error is nil or, found with errors.As, strictyaml.Faults: everything that is wrong with
// bead.yaml by itself, and parts that are missing. What is in the parts is judged where it is rendered.
func Load(files Files) (*Folder, error) {
	folder, err := Inspect(files)
	if err != nil {
		return nil, err
	}
	return folder, nil
}

// Inspect reads a Bead as Load does, and returns what could be read of it even if there is an error: for who looks for
// what else is wrong. Document is nil if bead.yaml could not be read at all.
func Inspect(files Files) (*Folder, error) {
	folder := &Folder{Files: files}
	content, ok := files[FileName]
	if !ok {
		return folder, strictyaml.Faults{{Source: FileName, Message: "is missing: want the file that says what the Bead is"}}.Err()
	}
	document, err := strictyaml.Decode(content, FileName, &folder.Bead)
	c := checker{folder: folder, document: document}
	errors.As(err, &c.faults)
	if document != nil {
		folder.Document = document
		c.check()
	}
	return folder, c.faults.Err()
}

// checker collects what is wrong with a bead.yaml.
type checker struct {
	folder   *Folder
	document *strictyaml.Document
	faults   strictyaml.Faults
}

// fault adds a fault of the value at path, unless that could not even be read.
func (c *checker) fault(path, format string, args ...any) {
	if !c.document.Unread(path) {
		c.faults = append(c.faults, c.document.Fault(path, format, args...))
	}
}

func (c *checker) check() {
	c.header()
	c.constant("apiVersion", c.folder.APIVersion, APIVersion)
	c.constant("kind", c.folder.Kind, Kind)
	c.about()
	c.requirements()
	c.secrets()
	c.applications()
	for name, schema := range c.folder.Spec.Parameters {
		c.parameter(name, schema)
	}
	if len(c.folder.Parts()) == 0 {
		c.fault("", "there is no part: want at least one of the folders %s, or an application in spec.applications",
			strings.Join(partFolders(), ", "))
	}
}

func (c *checker) header() {
	const path = "metadata.name"
	name := c.folder.Metadata.Name
	if name == "" {
		c.fault(path, "is missing: want a DNS label of at most %d characters, such as postgres", MaxNameLength)
		return
	}
	if len(name) > MaxNameLength {
		c.fault(path, "has %d characters: want at most %d", len(name), MaxNameLength)
	}
	c.label(path, name)
}

// constant judges a value that can only be one.
func (c *checker) constant(path, value, want string) {
	switch value {
	case want:
	case "":
		c.fault(path, "is missing: want %s", want)
	default:
		c.fault(path, "%s is not what a Bead has here: want %s", strictyaml.Quote(value), want)
	}
}

// label judges the letters of a DNS label.
func (c *checker) label(path, text string) {
	if len(validation.IsDNS1123Label(text)) > 0 {
		c.fault(path, `%s is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end`,
			strictyaml.Quote(text))
	}
}

// about judges what people read.
func (c *checker) about() {
	spec := c.folder.Spec
	if spec.Version == "" {
		c.fault("spec.version", "is missing: want a semantic version, such as 0.1.0")
	} else if _, err := semver.StrictNewVersion(spec.Version); err != nil {
		c.fault("spec.version", "%s is no semantic version: want three numbers, such as 0.1.0 (https://semver.org)",
			strictyaml.Quote(spec.Version))
	}
	switch {
	case strings.TrimSpace(spec.Description) == "":
		c.fault("spec.description", "is missing: want a line that says what the Bead adds to a hub")
	case strings.ContainsRune(strings.TrimSpace(spec.Description), '\n'):
		c.fault("spec.description", "has several lines: want one; README.md is for more")
	}
	for i, maintainer := range spec.Maintainers {
		if maintainer.Name == "" {
			c.fault(strictyaml.Index("spec.maintainers", i)+".name", "is missing: want a person or a team")
		}
	}
}

// components are those whose versions a Bead can require.
func components() []string { return []string{"argocd", "crossplane", "kubernetes", "kyverno"} }

func (c *checker) requirements() {
	requires := c.folder.Spec.Requires
	c.versions("spec.requires.backstack", requires.Backstack)
	for _, name := range slices.Sorted(maps.Keys(requires.Components)) {
		path := strictyaml.Key("spec.requires.components", name)
		if !slices.Contains(components(), name) {
			c.fault(path, "there is no such component: %s", strictyaml.OneOf(name, components()))
		}
		c.versions(path, requires.Components[name])
	}
	for _, name := range slices.Sorted(maps.Keys(requires.Beads)) {
		path := strictyaml.Key("spec.requires.beads", name)
		if name == c.folder.Metadata.Name {
			c.fault(path, "the Bead requires itself: take this out")
		}
		c.label(path, name)
		c.versions(path, requires.Beads[name])
	}
}

// versions judges a range of versions.
func (c *checker) versions(path, text string) {
	if text == "" {
		return
	}
	if _, err := semver.NewConstraint(text); err != nil {
		c.fault(path, `%s is no range of versions: want one such as ">=1.2.0 <2.0.0"`, strictyaml.Quote(text))
	}
}

func (c *checker) secrets() {
	for i, secret := range c.folder.Spec.Secrets {
		path := strictyaml.Index("spec.secrets", i)
		for _, field := range []struct{ name, value string }{
			{"name", secret.Name}, {"namespace", secret.Namespace}, {"key", secret.Key},
		} {
			if field.value == "" {
				c.fault(path+"."+field.name, "is missing: want the name, the namespace and the key of a Secret")
			}
		}
	}
}

func (c *checker) applications() {
	first := make(map[string]int)
	for i, application := range c.folder.Spec.Applications {
		path := strictyaml.Index("spec.applications", i)
		if application.Name == "" {
			c.fault(path+".name", "is missing: want a DNS label, such as podinfo")
			continue
		}
		c.label(path+".name", application.Name)
		if earlier, twice := first[application.Name]; twice {
			c.fault(path+".name", "%s is item %d already: give each application a name of its own",
				strictyaml.Quote(application.Name), earlier)
			continue
		}
		first[application.Name] = i
		c.application(path, application)
	}
}

// application judges one application, whose name is given.
func (c *checker) application(path string, a Application) {
	has := c.folder.hasApplication(a.Name)
	switch {
	case a.Chart == nil && !has:
		c.fault(path, "there are no files in application/%s: want its manifests or its chart there, or chart to say where it is",
			a.Name)
	case a.Chart != nil && has:
		c.fault(path+".chart", "application/%s has files, and the chart is elsewhere: take one of them out", a.Name)
	case a.Chart != nil:
		c.chart(path+".chart", *a.Chart)
	}
	if a.Namespace != "" {
		c.label(path+".namespace", a.Namespace)
		if onHub := a.Destination == nil || a.Destination.Spokes == nil; onHub && !strings.HasPrefix(a.Namespace, "bead-") {
			c.fault(path+".namespace", "%s is not a Bead's: on a hub, want one that begins with bead-, such as %s",
				strictyaml.Quote(a.Namespace), c.folder.Namespace())
		}
	}
}

func (c *checker) chart(path string, chart ChartReference) {
	switch {
	case chart.Repository == "":
		c.fault(path+".repository", "is missing: want the https:// URL of a chart repository, or oci://")
	case !strings.HasPrefix(chart.Repository, "https://") && !strings.HasPrefix(chart.Repository, "oci://"):
		c.fault(path+".repository", "%s is no chart repository: want https:// or oci://", strictyaml.Quote(chart.Repository))
	}
	if chart.Name == "" {
		c.fault(path+".name", "is missing: want the chart's name")
	}
	if _, err := semver.NewVersion(chart.Version); err != nil {
		c.fault(path+".version", "%s is no version: want exactly one, such as 1.2.3", strictyaml.Quote(chart.Version))
	}
}

// parameter judges the declaration of a parameter.
func (c *checker) parameter(name string, schema map[string]any) {
	path := strictyaml.Key("spec.parameters", name)
	if !parameterName.MatchString(name) {
		c.fault(path, "%s cannot be used as .Values.NAME: want letters and digits, a letter first, such as nodeCount",
			strictyaml.Quote(name))
	}
	if _, ok := schema["type"]; !ok {
		c.fault(path, "has no type: want type with one of %s", strings.Join(schemaTypes(), ", "))
		return
	}
	compiled, err := compileParameter(schema)
	if err != nil {
		c.fault(path, "is no JSON Schema: %v", err)
		return
	}
	if value, given := schema["default"]; given {
		if err := compiled.Validate(value); err != nil {
			c.fault(path+".default", "is not what the schema allows: %s", schemaFault(err))
		}
	}
}

// String says which Bead it is.
func (f *Folder) String() string { return fmt.Sprintf("%s %s", f.Metadata.Name, f.Spec.Version) }
