package scaffolder

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest/nunjucks"
)

// source returns the path, from templates/, that an action fetches. It lies in the Bead: a test reads nothing else.
func (r *run) source(input map[string]any) (string, error) {
	url, err := text(input, "url", "")
	switch {
	case err != nil:
		return "", err
	case url == "":
		return "", errors.New("url is missing: want a path such as ./skeleton")
	case strings.Contains(url, "://"):
		return "", fmt.Errorf("%s is not in the Bead, and a test reads nothing else: want a path such as ./skeleton", url)
	}
	at := path.Join(r.template.dir, url)
	if path.IsAbs(url) || at == ".." || strings.HasPrefix(at, "../") {
		return "", fmt.Errorf("%s leads out of templates/: want a path such as ./skeleton", url)
	}
	return at, nil
}

// folder returns the files that an action fetches, with their paths in the folder.
func (r *run) folder(input map[string]any) (bead.Files, error) {
	at, err := r.source(input)
	if err != nil {
		return nil, err
	}
	files := r.template.catalog.Sub(at)
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no files in templates/%s", at)
	}
	return files, nil
}

// file returns the content of the one file that an action fetches.
func (r *run) file(input map[string]any) ([]byte, error) {
	at, err := r.source(input)
	if err != nil {
		return nil, err
	}
	content, ok := r.template.catalog[at]
	if !ok {
		return nil, fmt.Errorf("there is no file templates/%s", at)
	}
	return content, nil
}

// target returns where in the workspace an action writes.
func target(input map[string]any) (string, error) {
	name, err := text(input, "targetPath", "./")
	if err != nil {
		return "", err
	}
	return inWorkspace(name)
}

// fetchPlain copies a folder as it is.
func (r *run) fetchPlain(input map[string]any) error {
	files, err := r.folder(input)
	if err != nil {
		return err
	}
	to, err := target(input)
	if err != nil {
		return err
	}
	for name, content := range files {
		r.workspace[path.Join(to, name)] = content
	}
	return nil
}

// fetchPlainFile copies a file as it is.
func (r *run) fetchPlainFile(input map[string]any) error {
	content, err := r.file(input)
	if err != nil {
		return err
	}
	to, err := target(input)
	if err != nil {
		return err
	}
	r.workspace[to] = content
	return nil
}

// fetchTemplateFile renders a file.
func (r *run) fetchTemplateFile(ctx context.Context, input map[string]any) error {
	content, err := r.file(input)
	if err != nil {
		return err
	}
	to, err := target(input)
	if err != nil {
		return err
	}
	rendered, err := r.engine.Render(ctx, string(content), seen(input), options(input))
	if err != nil {
		return err
	}
	r.workspace[to] = []byte(rendered)
	return nil
}

// seen is what a fetched file's expressions see.
func seen(input map[string]any) map[string]any {
	values, _ := input["values"].(map[string]any)
	if values == nil {
		values = map[string]any{}
	}
	return map[string]any{"values": values}
}

func options(input map[string]any) nunjucks.Options {
	return nunjucks.Options{TrimBlocks: input["trimBlocks"] == true, LstripBlocks: input["lstripBlocks"] == true}
}

// fetchTemplate renders a folder: the contents of its files, and their names.
func (r *run) fetchTemplate(ctx context.Context, input map[string]any) error {
	if input["cookiecutterCompat"] == true {
		return errors.New("cookiecutterCompat is true, and a test does not do that: want ${{ values.name }} and its like")
	}
	files, err := r.folder(input)
	if err != nil {
		return err
	}
	to, err := target(input)
	if err != nil {
		return err
	}
	plan, err := newCopying(input)
	if err != nil {
		return err
	}
	var faults []error
	for name, content := range files.All() {
		if err := r.copy(ctx, plan, to, name, content); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// copying says how fetch:template treats files.
type copying struct {
	asIs      []string // patterns of files whose contents are copied
	namesToo  bool     // whether their names are as well
	extension string   // if not empty: files that end so are rendered and lose it, and all others are copied
	replace   bool     // whether a file that is there already is replaced
	seen      map[string]any
	options   nunjucks.Options
}

func newCopying(input map[string]any) (*copying, error) {
	c := &copying{replace: input["replace"] == true, seen: seen(input), options: options(input)}
	var err error
	if c.asIs, err = texts(input, "copyWithoutTemplating"); err != nil {
		return nil, err
	}
	older, err := texts(input, "copyWithoutRender")
	if err != nil {
		return nil, err
	}
	if older != nil {
		if c.asIs != nil {
			return nil, errors.New("copyWithoutRender and copyWithoutTemplating are both given: want the latter")
		}
		c.asIs, c.namesToo = older, true
	}
	for _, pattern := range c.asIs {
		if !doublestar.ValidatePattern(pattern) {
			return nil, fmt.Errorf("copyWithoutTemplating: %q is no pattern: want one such as **/*.tpl", pattern)
		}
	}
	switch extension := input["templateFileExtension"].(type) {
	case bool:
		if extension {
			c.extension = ".njk"
		}
	case string:
		c.extension = "." + strings.TrimPrefix(extension, ".")
	}
	return c, nil
}

// copied says whether a file's content is copied as it is. A pattern that names a folder is for all that is in it.
func (c *copying) copied(name string) bool {
	if c.extension != "" {
		return path.Ext(name) != c.extension
	}
	return slices.ContainsFunc(c.asIs, func(pattern string) bool {
		for at := name; at != "."; at = path.Dir(at) {
			if match, _ := doublestar.Match(strings.TrimSuffix(pattern, "/"), at); match {
				return true
			}
		}
		return false
	})
}

// copy brings one file into the workspace.
func (r *run) copy(ctx context.Context, c *copying, to, name string, content []byte) error {
	copied := c.copied(name)
	out := name
	if c.extension != "" && !copied {
		out = strings.TrimSuffix(out, c.extension)
	}
	var err error
	if !copied || !c.namesToo {
		if out, err = r.engine.Render(ctx, out, c.seen, c.options); err != nil {
			return err
		}
	}
	// A part of a path that renders to nothing means: not this file.
	if out == "" || strings.HasPrefix(out, "/") || strings.HasSuffix(out, "/") || strings.Contains(out, "//") {
		return nil
	}
	at, err := inWorkspace(path.Join(to, out))
	if err != nil {
		return err
	}
	if _, there := r.workspace[at]; there && !c.replace {
		return nil
	}
	if !copied && utf8.Valid(content) && !slices.Contains(content, 0) {
		text, err := r.engine.Render(ctx, string(content), c.seen, c.options)
		if err != nil {
			return err
		}
		content = []byte(text)
	}
	r.workspace[at] = content
	return nil
}
