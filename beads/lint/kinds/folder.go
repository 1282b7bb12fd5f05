package kinds

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// Folder are the custom resource definitions in the YAML files of a folder and those below it. A provider has hundreds
// of them, with megabytes of text, of which a Bead needs a few: files are only read where their name does not say that
// they are about another group, and only parsed if they define what is looked for.
type Folder struct {
	files fs.FS
	names map[string][]string // by the group that the name says; "" where it says none

	mutex  sync.Mutex
	loaded map[string][]*file // by group, those of the name ""  among them
}

// file is a file that may define a kind.
type file struct {
	name        string
	content     []byte
	group, kind string // what it says that it defines

	once       sync.Once
	definition *Definition
	err        error
}

// groupPlural is how controller-gen calls a definition's file: container.gcp.m.upbound.io_clusters.yaml.
var groupPlural = regexp.MustCompile(`^([a-z0-9.-]+\.[a-z0-9-]+)_[a-z0-9]+\.ya?ml$`)

// NewFolder lists the files of a folder.
func NewFolder(files fs.FS) (*Folder, error) {
	f := &Folder{files: files, names: make(map[string][]string), loaded: make(map[string][]*file)}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" && path.Ext(name) != ".yml" {
			return err
		}
		group := ""
		if match := groupPlural.FindStringSubmatch(path.Base(name)); match != nil {
			group = match[1]
		}
		f.names[group] = append(f.names[group], name)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the definitions: %w", err)
	}
	return f, nil
}

// load reads the files that may define kinds of a group.
func (f *Folder) load(group string) ([]*file, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if files, ok := f.loaded[group]; ok {
		return files, nil
	}
	var found []*file
	for _, name := range append(f.names[group], f.names[""]...) {
		content, err := fs.ReadFile(f.files, name)
		if err != nil {
			return nil, fmt.Errorf("reading a definition: %w", err)
		}
		for _, document := range bytes.Split(content, []byte("\n---\n")) {
			d := &file{name: name, content: document, group: says(document, groupLine), kind: says(document, kindLine)}
			if d.group == group {
				found = append(found, d)
			}
		}
	}
	f.loaded[group] = found
	return found, nil
}

// A definition's own lines: what is deeper is not spec.group and spec.names.kind.
var (
	groupLine = regexp.MustCompile(`(?m)^  group: *["']?([^\s"']+)`)
	kindLine  = regexp.MustCompile(`(?m)^  names:\n(?:    .*\n)*?    kind: *["']?([^\s"']+)`)
)

// says returns what a line of a definition says.
func says(document []byte, line *regexp.Regexp) string {
	if !bytes.Contains(document, []byte("kind: CustomResourceDefinition")) {
		return ""
	}
	if match := line.FindSubmatch(document); match != nil {
		return string(match[1])
	}
	return ""
}

func (f *Folder) kinds(group string) []string {
	files, err := f.load(group)
	if err != nil {
		return nil
	}
	var kinds []string
	for _, file := range files {
		kinds = append(kinds, file.kind)
	}
	return kinds
}

func (f *Folder) definition(kind schema.GroupKind) (*Definition, error) {
	files, err := f.load(kind.Group)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if file.kind == kind.Kind {
			file.once.Do(file.parse)
			return file.definition, file.err
		}
	}
	return nil, nil
}

func (f *file) parse() {
	crd := new(apiextensionsv1.CustomResourceDefinition)
	if err := yaml.Unmarshal(withoutDescriptions(f.content), crd); err != nil {
		f.err = fmt.Errorf("reading the definition in %s: %w", f.name, err)
		return
	}
	f.definition = FromCRD(crd)
}

// withoutDescriptions takes the texts for people out of a definition. They are two thirds of one, and parsing takes as
// long as there is text. A property called description is a mapping, and stays.
func withoutDescriptions(definition []byte) []byte {
	kept := make([]byte, 0, len(definition))
	inside := -1 // the indentation of the description that the line may belong to
	for line := range bytes.Lines(definition) {
		text := bytes.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if inside >= 0 && (indent > inside || len(bytes.TrimSpace(text)) == 0) {
			continue
		}
		inside = -1
		if value, ok := strings.CutPrefix(string(text), "description: "); ok && strings.TrimSpace(value) != "" {
			inside = indent
			continue
		}
		kept = append(kept, line...)
	}
	return kept
}
