package scaffolder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/bead"
)

// act runs an action with its evaluated input.
func (r *run) act(ctx context.Context, action string, input map[string]any) error {
	switch action {
	case "fetch:template":
		return r.fetchTemplate(ctx, input)
	case "fetch:plain":
		return r.fetchPlain(input)
	case "fetch:template:file":
		return r.fetchTemplateFile(ctx, input)
	case "fetch:plain:file":
		return r.fetchPlainFile(input)
	case "fs:delete":
		return r.remove(input)
	case "fs:rename":
		return r.rename(input)
	case "catalog:write":
		return r.writeEntity(input)
	}
	switch kind, _, _ := strings.Cut(action, ":"); {
	case kind == "fetch", kind == "fs", strings.HasSuffix(action, ":write"):
		return errors.New("it changes files, and a test does not know how: want fetch:template or fetch:plain, also with " +
			":file, fs:delete, fs:rename or catalog:write")
	case strings.HasSuffix(action, ":pull-request"), strings.HasSuffix(action, ":merge-request"):
		return r.propose(action, input)
	}
	return nil // it acts elsewhere
}

// text returns a field of an input that has to be text, fallback if it is not given.
func text(input map[string]any, name, fallback string) (string, error) {
	value, given := input[name]
	if !given {
		return fallback, nil
	}
	text, ok := value.(string)
	if !ok {
		return "", fmt.Errorf("%s is %v: %w", name, value, errNoText)
	}
	return text, nil
}

// texts returns a field of an input that has to be a list of texts.
func texts(input map[string]any, name string) ([]string, error) {
	value, given := input[name]
	if !given {
		return nil, nil
	}
	items, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s is %v: want a list of texts", name, value)
	}
	var list []string
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("%s: %v: %w", name, item, errNoText)
		}
		list = append(list, text)
	}
	return list, nil
}

// inWorkspace returns a path as the workspace's files are named; the workspace itself is "". It refuses paths that lead
// out of it, as Backstage does.
func inWorkspace(name string) (string, error) {
	clean := path.Clean(name)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("%s leads out of the workspace", name)
	}
	if clean == "." {
		return "", nil
	}
	return clean, nil
}

// below returns a folder's files with paths from there.
func below(files bead.Files, dir string) bead.Files {
	if dir == "" {
		return maps.Clone(files)
	}
	return files.Sub(dir)
}

// remove is fs:delete.
func (r *run) remove(input map[string]any) error {
	names, err := texts(input, "files")
	if err != nil {
		return err
	}
	for _, name := range names {
		at, err := inWorkspace(name)
		if err != nil {
			return err
		}
		delete(r.workspace, at)
		maps.DeleteFunc(r.workspace, func(file string, _ []byte) bool { return strings.HasPrefix(file, at+"/") })
	}
	return nil
}

// rename is fs:rename.
func (r *run) rename(input map[string]any) error {
	items, _ := input["files"].([]any)
	for _, item := range items {
		pair, _ := item.(map[string]any)
		source, err := text(pair, "from", "")
		if err != nil {
			return err
		}
		target, err := text(pair, "to", "")
		if err != nil {
			return err
		}
		from, err := inWorkspace(source)
		if err != nil {
			return err
		}
		to, err := inWorkspace(target)
		if err != nil {
			return err
		}
		moved := bead.Files{}
		for name, content := range r.workspace {
			if rest, nested := strings.CutPrefix(name, from+"/"); nested {
				moved[path.Join(to, rest)] = content
				delete(r.workspace, name)
			}
		}
		if content, file := r.workspace[from]; file {
			moved[to] = content
			delete(r.workspace, from)
		}
		if len(moved) == 0 {
			return fmt.Errorf("there is no %s to rename", source)
		}
		maps.Copy(r.workspace, moved)
	}
	return nil
}

// writeEntity is catalog:write.
func (r *run) writeEntity(input map[string]any) error {
	name, err := text(input, "filePath", "catalog-info.yaml")
	if err != nil {
		return err
	}
	at, err := inWorkspace(name)
	if err != nil {
		return err
	}
	content, err := yaml.Marshal(input["entity"])
	if err != nil {
		return err
	}
	r.workspace[at] = content
	return nil
}

// propose is what all actions have in common that open a pull request: files below sourcePath come to lie in
// targetPath.
func (r *run) propose(action string, input map[string]any) error {
	target, err := text(input, "targetPath", "")
	if err != nil {
		return err
	}
	source, err := text(input, "sourcePath", "")
	if err != nil {
		return err
	}
	if source == "" && action == "publish:gitlab:merge-request" {
		source = target // that action has taken its files from there ever since
	}
	from, err := inWorkspace(source)
	if err != nil {
		return err
	}
	to, err := inWorkspace(target)
	if err != nil {
		return err
	}
	if r.landed == nil {
		r.landed = bead.Files{}
	}
	files := below(r.workspace, from)
	if len(files) == 0 {
		return fmt.Errorf("the pull request is empty: the workspace has no files in %q", source)
	}
	for name, content := range files {
		r.landed[path.Join(to, name)] = content
	}
	return nil
}
