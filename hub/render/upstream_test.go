package render

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
)

// chartSources are where the modules that the engine builds its programs from have upstream's charts. That of Argo CD
// is in no module.
var chartSources = map[string]struct{ module, dir string }{
	"crossplane": {"github.com/crossplane/crossplane/v2", "cluster/charts/crossplane"},
	"kyverno":    {"github.com/kyverno/kyverno", "charts/kyverno"},
}

// A value that a chart does not have, it passes over without a word.
func TestUpstreamsChartsHaveTheValuesThatTheyAreGiven(t *testing.T) {
	modules := moduleDirs(t, chartSources["crossplane"].module, chartSources["kyverno"].module)
	tree := hub(t, demo(onKind, fromRegistry))
	for component, source := range chartSources {
		dir := filepath.Join(modules[source.module], source.dir)
		known := make(map[string]any)
		read(t, filepath.Join(dir, "values.yaml"), &known)
		var metadata struct {
			Dependencies []struct{ Name string }
		}
		read(t, filepath.Join(dir, "Chart.yaml"), &metadata)
		for _, dependency := range metadata.Dependencies {
			if known[dependency.Name] == nil {
				known[dependency.Name] = map[string]any{} // whose values are its own
			}
		}
		upstream, _ := charts.UpstreamOf(component)
		given, ok := chartValues(t, tree, component)[upstream.Name].(map[string]any)
		if !ok {
			t.Fatalf("%s gives upstream's chart %s no values", component, upstream.Name)
		}
		for _, path := range unknown(given, known, upstream.Name) {
			t.Errorf("upstream's chart of %s has no value %s", component, path)
		}
	}
}

// unknown returns the paths of values that a chart does not have. A mapping that is empty there may hold anything.
func unknown(given, known map[string]any, path string) []string {
	var paths []string
	for _, key := range slices.Sorted(maps.Keys(given)) {
		at := path + "." + key
		has, ok := known[key]
		if !ok {
			paths = append(paths, at)
			continue
		}
		values, nested := given[key].(map[string]any)
		below, mapping := has.(map[string]any)
		switch {
		case nested && mapping && len(below) > 0:
			paths = append(paths, unknown(values, below, at)...)
		case nested && !mapping && has != nil:
			paths = append(paths, at)
		}
	}
	return paths
}

func TestKyvernosChartIsThatOfItsVersion(t *testing.T) {
	source := chartSources["kyverno"]
	var metadata struct{ Version, AppVersion string }
	read(t, filepath.Join(moduleDirs(t, source.module)[source.module], source.dir, "Chart.yaml"), &metadata)
	if upstream, _ := charts.UpstreamOf("kyverno"); metadata.Version != upstream.Version {
		t.Errorf("Kyverno %s is pinned with chart %s: want %s", metadata.AppVersion, upstream.Version, metadata.Version)
	}
}

// read reads a YAML file.
func read(t *testing.T, path string, to any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, to); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
