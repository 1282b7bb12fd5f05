package render

import (
	"fmt"
	"io/fs"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

// componentDir returns the folder of a component's chart in hub.git.
func componentDir(component string) string { return "components/" + component }

// addComponent adds a component's chart to the tree. Its values are the chart's, under those that say which hub it
// is, under those of hub.yaml.
func addComponent(tree Tree, name string, v *view, c spec.Component) error {
	files, err := charts.Files(name)
	if err != nil {
		return err
	}
	dir := componentDir(name)
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		tree[dir+"/"+path], err = fs.ReadFile(files, path)
		return err
	})
	if err != nil {
		return fmt.Errorf("copying the chart of component %s: %w", name, err)
	}
	values := dir + "/values.yaml"
	if tree[values], err = overlay(tree[values], v.values(name), c.Values); err != nil {
		return fmt.Errorf("laying the values of component %s over those of its chart: %w", name, err)
	}
	chart := dir + "/Chart.yaml"
	if tree[chart], err = overlay(tree[chart], map[string]any{"appVersion": string(c.Version)}); err != nil {
		return fmt.Errorf("setting the version of component %s: %w", name, err)
	}
	return nil
}
