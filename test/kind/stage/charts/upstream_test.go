package charts

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"helm.sh/helm/v3/pkg/chart/loader"
)

func TestChartsAreWhatUpstreamReleases(t *testing.T) {
	dir := t.TempDir()
	written, err := Write(dir, modules())
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{"argo-cd": "10.1.1", "crossplane": "2.4.0", "kyverno": "3.9.1"}
	for _, c := range written {
		packed, err := loader.Load(filepath.Join(dir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		if packed.Name() != c.Name || packed.Metadata.Version != versions[c.Name] || c.Version != versions[c.Name] {
			t.Errorf("%s is %s %s: want %s", c.File, packed.Name(), packed.Metadata.Version, versions[c.Name])
		}
		if err := packed.Validate(); err != nil {
			t.Errorf("%s: %v", c.File, err)
		}
		delete(versions, c.Name)
		if c.Name != "kyverno" {
			continue
		}
		var parts []string
		for _, dependency := range packed.Dependencies() {
			parts = append(parts, dependency.Name()+" "+dependency.Metadata.Version)
		}
		slices.Sort(parts)
		if want := []string{"crds 3.9.1", "kyverno-api 0.0.1-alpha.4"}; !slices.Equal(parts, want) {
			t.Errorf("Kyverno's chart has %q: want %q", parts, want)
		}
		if n := len(packed.Metadata.Dependencies); n != 2 {
			t.Errorf("Kyverno's chart asks for %d others: want 2", n)
		}
	}
	if len(versions) > 0 {
		t.Errorf("not there: %v", versions)
	}
	index, err := os.ReadFile(filepath.Join(dir, "index.yaml"))
	if err != nil || !strings.Contains(string(index), written[0].SHA256) {
		t.Errorf("the index is %q, %v", index, err)
	}
}

func TestTheSameModulesMakeTheSameCharts(t *testing.T) {
	dir := t.TempDir()
	first, err := Write(dir, modules())
	if err != nil {
		t.Fatal(err)
	}
	second, err := Write(dir, modules())
	if err != nil || !slices.Equal(first, second) {
		t.Errorf("%+v and then %+v, %v", first, second, err)
	}
}

func modules() Modules {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return Modules{
		ArgoCD: fstest.MapFS{"manifests/install.yaml": file(manifests)},
		Crossplane: fstest.MapFS{
			"cluster/charts/crossplane/Chart.yaml":  file("name: crossplane\nversion: 0.0.1\napiVersion: v1\n"),
			"cluster/charts/crossplane/values.yaml": file("replicas: 1\n"),
		},
		Kyverno: fstest.MapFS{
			"charts/kyverno/Chart.yaml": file(`apiVersion: v2
name: kyverno
version: 3.9.1
dependencies:
  - {name: crds, version: 3.9.1}
  - {name: kyverno-api, version: 0.0.1-alpha.4, repository: "https://example.com"}
  - {name: openreports, version: 0.1.0, repository: "https://example.com"}
  - {name: reports-server, version: 0.1.6, repository: "https://example.com"}
`),
			"charts/kyverno/Chart.lock":             file("dependencies: []\n"),
			"charts/kyverno/charts/crds/Chart.yaml": file("apiVersion: v2\nname: crds\nversion: 3.9.1\n"),
		},
		KyvernoAPI: fstest.MapFS{
			"charts/kyverno-api/Chart.yaml": file("apiVersion: v2\nname: kyverno-api\nversion: v0.0.0\n"),
		},
	}
}
