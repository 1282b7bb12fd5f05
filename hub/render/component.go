package render

import (
	"fmt"
	"io/fs"
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

// componentDir returns the folder of a component's chart in hub.git.
func componentDir(component string) string { return "components/" + component }

// addComponent adds a component's chart to the tree. Its values are the chart's, where it runs as pods under those for
// pods, under those that say which hub it is, under those of hub.yaml. Where it runs as pods upstream's chart is in
// ours: what Argo CD applies is what was checked here, whether it can reach the chart's repository or not.
func addComponent(tree Tree, name string, v *view, h *spec.Hub, archives Archives) error {
	files, err := charts.Files(name)
	if err != nil {
		return err
	}
	dir := componentDir(name)
	err = fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == charts.PodsFile {
			return err
		}
		tree[dir+"/"+path], err = fs.ReadFile(files, path)
		return err
	})
	if err != nil {
		return fmt.Errorf("copying the chart of component %s: %w", name, err)
	}
	component := h.Spec.Components[name]
	layers := []map[string]any{v.values(h, name), component.Values}
	metadata := map[string]any{"appVersion": string(component.Version)}
	upstream, around := UpstreamOf(h, name)
	if v.Pods {
		pods, err := podsValues(name)
		if err != nil {
			return err
		}
		layers = slices.Insert(layers, 0, pods)
	}
	if around {
		if err := addUpstream(tree, name, upstream, archives[name], metadata); err != nil {
			return err
		}
	}
	values := dir + "/values.yaml"
	if tree[values], err = overlay(tree[values], upstream.Name, layers...); err != nil {
		return fmt.Errorf("laying the values of component %s over those of its chart: %w", name, err)
	}
	chart := dir + "/Chart.yaml"
	if tree[chart], err = overlay(tree[chart], "", metadata); err != nil {
		return fmt.Errorf("setting the version of component %s: %w", name, err)
	}
	return nil
}

// podsValues are what is laid over a chart's values where the component runs as pods.
func podsValues(name string) (map[string]any, error) {
	values := map[string]any{}
	if err := yaml.Unmarshal(charts.Pods(name), &values); err != nil {
		return nil, fmt.Errorf("reading the values of component %s as pods: %w", name, err)
	}
	return values, nil
}

// addUpstream adds upstream's chart to ours: the archive to the tree, and what it is to the metadata of the chart,
// where "helm dependency update" finds it.
func addUpstream(tree Tree, name string, wanted charts.Upstream, archive []byte, metadata map[string]any) error {
	if archive == nil {
		return fmt.Errorf("rendering component %s: upstream's chart %s %s is not there", name, wanted.Name, wanted.Version)
	}
	tree[fmt.Sprintf("%s/charts/%s-%s.tgz", componentDir(name), wanted.Name, wanted.Version)] = archive
	metadata["dependencies"] = []any{map[string]any{
		"name": wanted.Name, "version": wanted.Version, "repository": wanted.Repository,
	}}
	return nil
}

// Archives are upstream's charts as they were fetched, by the components that they are of.
type Archives map[string][]byte

// UpstreamOf returns which of upstream's charts the hub gets a component from, and false if from none.
func UpstreamOf(h *spec.Hub, component string) (charts.Upstream, bool) {
	upstream, ok := charts.UpstreamOf(component)
	if !ok || !h.Spec.Provider.Pods() || !enabled(h, component) {
		return charts.Upstream{}, false
	}
	chart := h.Spec.Components[component].Chart
	if chart == nil {
		return upstream, true
	}
	if chart.Version != "" && string(chart.Version) != upstream.Version {
		upstream.Version, upstream.Digest = string(chart.Version), ""
	}
	if chart.Digest != "" {
		upstream.Digest = chart.Digest
	}
	return upstream, true
}
