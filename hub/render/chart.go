package render

import (
	"fmt"
	"maps"
	"path"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
)

// Chart returns the objects of the chart in a folder of the tree, in the order in which Helm installs them: what "helm
// template" prints for a release that is called like the folder.
func Chart(tree Tree, dir, namespace string) ([]*unstructured.Unstructured, error) {
	objects, err := renderChart(tree, dir, namespace)
	if err != nil {
		return nil, fmt.Errorf("rendering the chart in %s: %w", dir, err)
	}
	return objects, nil
}

func renderChart(tree Tree, dir, namespace string) ([]*unstructured.Unstructured, error) {
	loaded, err := loadChart(tree.Sub(dir))
	if err != nil {
		return nil, err
	}
	values, err := releaseValues(loaded, path.Base(dir), namespace)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(loaded, values)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(files, func(name, _ string) bool { return path.Base(name) == "NOTES.txt" }) // for people
	_, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, 0, len(manifests))
	for _, manifest := range manifests {
		// Sorting cuts off the last line's end, which can belong to a text; "helm template" puts it back.
		object, err := decode([]byte(manifest.Content + "\n"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest.Name, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// loadChart makes a chart of its files.
func loadChart(tree Tree) (*chart.Chart, error) {
	var files []*loader.BufferedFile
	for name, content := range tree.All() {
		files = append(files, &loader.BufferedFile{Name: name, Data: content})
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return nil, err
	}
	return loaded, chartutil.ProcessDependenciesWithMerge(loaded, loaded.Values)
}

// releaseValues are all that the chart's templates see.
func releaseValues(loaded *chart.Chart, release, namespace string) (chartutil.Values, error) {
	kubernetes, err := chartutil.ParseKubeVersion(charts.Kubernetes)
	if err != nil {
		return nil, err
	}
	if wanted := loaded.Metadata.KubeVersion; !chartutil.IsCompatibleRange(wanted, kubernetes.String()) {
		return nil, fmt.Errorf("it needs Kubernetes %s: this is %s", wanted, kubernetes)
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = *kubernetes
	return chartutil.ToRenderValues(loaded, nil, chartutil.ReleaseOptions{
		Name: release, Namespace: namespace, Revision: 1, IsInstall: true,
	}, capabilities)
}

// decode reads one object.
func decode(content []byte) (*unstructured.Unstructured, error) {
	data, err := yaml.YAMLToJSON(content)
	if err != nil {
		return nil, err
	}
	object := new(unstructured.Unstructured)
	return object, object.UnmarshalJSON(data)
}
