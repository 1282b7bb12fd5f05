package render

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"text/template"
)

//go:embed all:templates
var templates embed.FS

// execute returns the files below a folder of templates, filled in. Their actions stand in double square brackets: to
// YAML, to Helm and to Argo CD those mean nothing.
func execute(dir string, v *view) (Tree, error) {
	files, err := fs.Sub(templates, dir)
	if err != nil {
		return nil, err
	}
	tree := make(Tree)
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		if err != nil {
			return err
		}
		tree[path], err = fill(path, string(content), v)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("filling in %s: %w", dir, err)
	}
	return tree, nil
}

// fill returns a template with its actions executed.
func fill(name, text string, v *view) ([]byte, error) {
	t, err := template.New(name).
		Delims("[[", "]]").
		Option("missingkey=error").
		Funcs(template.FuncMap{"celList": celList}).
		Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// celList returns a list of CEL whose items are DNS labels, which need no escaping.
func celList(items []string) string {
	return "['" + strings.Join(items, "', '") + "']"
}
