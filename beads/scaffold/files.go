package scaffold

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/schema"
)

//go:embed all:templates
var templates embed.FS

// Files returns the files of a new Bead with the parts.
func Files(name string, parts []bead.Part) (bead.Files, error) {
	v := newView(name, parts)
	files := make(bead.Files)
	for _, layer := range v.layers() {
		if err := v.add(files, path.Join("templates", layer)); err != nil {
			return nil, fmt.Errorf("writing Bead %s: %w", name, err)
		}
	}
	return files, nil
}

// layers are the folders of templates that make up the Bead.
func (v *view) layers() []string {
	layers := []string{"bead"}
	for _, layer := range []struct {
		wanted bool
		folder string
	}{
		{v.Application, "application"},
		{v.Composites, "composites"},
		{v.Policies && v.Composites, "policies/requests"},
		{v.Policies && !v.Composites, "policies/objects"},
		{v.Templates && v.Composites, "templates/request"},
		{v.Templates && !v.Composites, "templates/repository"},
	} {
		if layer.wanted {
			layers = append(layers, layer.folder)
		}
	}
	return layers
}

// add adds the files of a folder of templates, filled in.
func (v *view) add(files bead.Files, folder string) error {
	return fs.WalkDir(templates, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(templates, name)
		if err != nil {
			return err
		}
		target, err := v.fill(name, strings.TrimPrefix(name, folder+"/"))
		if err != nil {
			return err
		}
		text, err := v.fill(name, string(content))
		if err != nil {
			return err
		}
		files[target] = []byte(text)
		return nil
	})
}

// fill executes a template. Its actions stand in double square brackets: to YAML, to Helm and to Backstage those mean
// nothing.
func (v *view) fill(name, text string) (string, error) {
	t, err := template.New(name).
		Delims("[[", "]]").
		Option("missingkey=error").
		Funcs(template.FuncMap{"scalar": scalar, "quote": strconv.Quote}).
		Parse(text)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return "", err
	}
	return out.String(), nil
}

// scalar returns a text as YAML writes it, in quotes where it would be something else without: 123, or true.
func scalar(text string) (string, error) {
	encoded, err := yaml.Marshal(text)
	return strings.TrimSpace(string(encoded)), err
}

// view is what templates see.
type view struct {
	Name   string // the Bead's, such as message-queue
	Title  string // for people: Message queue
	Kind   string // what people ask for: MessageQueue
	Plural string // in lower case: messagequeues
	Schema string // the URL of the schema of bead.yaml

	Application, Templates, Composites, Policies bool
}

func newView(name string, parts []bead.Part) *view {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' })
	title := strings.Join(words, " ")
	kind := ""
	for _, word := range words {
		kind += capital(word)
	}
	if kind[0] < 'A' || kind[0] > 'Z' {
		kind = "Bead" + kind // a kind begins with a letter
	}
	return &view{
		Name: name, Title: capital(title), Kind: kind, Plural: plural(strings.ToLower(kind)), Schema: schema.URL,
		Application: slices.Contains(parts, bead.PartApplication), Templates: slices.Contains(parts, bead.PartTemplates),
		Composites: slices.Contains(parts, bead.PartComposites), Policies: slices.Contains(parts, bead.PartPolicies),
	}
}

// capital returns a text of ASCII with its first letter in upper case.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// plural returns the plural of an English word, by the rule and without its exceptions.
func plural(word string) string {
	last := word[len(word)-1:]
	beforeLast := word[max(len(word)-2, 0) : len(word)-1]
	switch {
	case strings.HasSuffix(word, "s"), strings.HasSuffix(word, "x"), strings.HasSuffix(word, "ch"), strings.HasSuffix(word, "sh"):
		return word + "es"
	case last == "y" && !strings.Contains("aeiou", beforeLast):
		return word[:len(word)-1] + "ies"
	}
	return word + "s"
}
