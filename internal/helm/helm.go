// Package helm renders charts as "helm template" does, from files in memory and without a cluster.
package helm

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
)

// Release is what a chart is rendered for.
type Release struct {
	Name      string
	Namespace string
	Values    map[string]any // laid over the chart's
}

// Chart returns the objects of a chart, given by its files, in the order in which Helm installs them. Hooks are among
// them, as they are for Argo CD; tests of the chart are not.
func Chart(files map[string][]byte, release Release) ([]*unstructured.Unstructured, error) {
	loaded, err := load(files)
	if err != nil {
		return nil, err
	}
	values, err := releaseValues(loaded, release)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(loaded, values)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(rendered, func(name, _ string) bool { return path.Base(name) == "NOTES.txt" }) // for people
	for _, definition := range loaded.CRDObjects() {
		rendered[definition.Filename] = string(definition.File.Data)
	}
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, 0, len(manifests)+len(hooks))
	for _, manifest := range manifests {
		// Sorting cuts off the last line's end, which can belong to a text; "helm template" puts it back.
		object, err := Object([]byte(manifest.Content + "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Name, err)
		}
		objects = append(objects, object)
	}
	for _, hook := range hooks {
		if slices.Contains(hook.Events, "test") {
			continue
		}
		object, err := Object([]byte(hook.Manifest + "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", hook.Path, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// load makes a chart of its files.
func load(files map[string][]byte) (*chart.Chart, error) {
	var buffered []*loader.BufferedFile
	for _, name := range slices.Sorted(maps.Keys(files)) {
		buffered = append(buffered, &loader.BufferedFile{Name: name, Data: files[name]})
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, err
	}
	return loaded, nil
}

// releaseValues are all that the chart's templates see.
func releaseValues(loaded *chart.Chart, release Release) (chartutil.Values, error) {
	if err := chartutil.ProcessDependenciesWithMerge(loaded, release.Values); err != nil {
		return nil, err
	}
	capabilities, err := Capabilities()
	if err != nil {
		return nil, err
	}
	if wanted := loaded.Metadata.KubeVersion; wanted != "" && !chartutil.IsCompatibleRange(wanted, capabilities.KubeVersion.Version) {
		return nil, fmt.Errorf("it needs Kubernetes %s: this is %s", wanted, capabilities.KubeVersion.Version)
	}
	return chartutil.ToRenderValues(loaded, release.Values, chartutil.ReleaseOptions{
		Name: release.Name, Namespace: release.Namespace, Revision: 1, IsInstall: true,
	}, capabilities)
}

// Capabilities is the cluster that charts are rendered for.
func Capabilities() (*chartutil.Capabilities, error) {
	kubernetes, err := chartutil.ParseKubeVersion(charts.Kubernetes)
	if err != nil {
		return nil, err
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kubernetes
	return capabilities, nil
}

// Object reads one object from YAML.
func Object(content []byte) (*unstructured.Unstructured, error) {
	data, err := yaml.YAMLToJSON(content)
	if err != nil {
		return nil, err
	}
	object := new(unstructured.Unstructured)
	return object, object.UnmarshalJSON(data)
}
