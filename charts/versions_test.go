package charts

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/modfile"
	"helm.sh/helm/v3/pkg/chart/loader"
	"sigs.k8s.io/yaml"
)

// modules are the modules that the engine builds each part from.
var modules = map[string]string{
	"kubernetes":                   "k8s.io/kubernetes",
	"etcd":                         "go.etcd.io/etcd/server/v3",
	"argocd":                       "github.com/argoproj/argo-cd/v3",
	"helm":                         "helm.sh/helm/v3",
	"crossplane":                   "github.com/crossplane/crossplane/v2",
	"function-auto-ready":          "github.com/crossplane-contrib/function-auto-ready",
	"function-patch-and-transform": "github.com/crossplane-contrib/function-patch-and-transform",
	"kyverno":                      "github.com/kyverno/kyverno",
	"gitea":                        "code.gitea.io/gitea",
}

func TestTheEngineIsBuiltFromTheseVersions(t *testing.T) {
	built := make(map[string]string)
	for _, name := range []string{"platform", "gitea"} {
		path := filepath.Join("..", "engine", name, "go.mod")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := modfile.Parse(path, content, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range file.Require {
			built[r.Mod.Path] = r.Mod.Version
		}
		for _, r := range file.Replace {
			built[r.New.Path] = r.New.Version
		}
	}
	for _, v := range Versions() {
		if got := built[modules[v.Name]]; got != "v"+v.Version {
			t.Errorf("the engine builds %s from %s %s: want v%s", v.Name, modules[v.Name], got, v.Version)
		}
	}
}

func TestChartsAreOfTheseVersions(t *testing.T) {
	for _, v := range Versions() {
		if _, ok := Lookup(v.Name); !ok {
			continue
		}
		chart, err := loader.Load(v.Name)
		if err != nil {
			t.Fatal(err)
		}
		if chart.AppVersion() != v.Version {
			t.Errorf("the chart of %s is for version %s: want %s", v.Name, chart.AppVersion(), v.Version)
		}
	}
}

func TestFunctionsAreOfTheseVersions(t *testing.T) {
	content, err := os.ReadFile("crossplane/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Functions map[string]struct {
			Version string `json:"version"`
		} `json:"functions"`
	}
	if err := yaml.Unmarshal(content, &values); err != nil {
		t.Fatal(err)
	}
	for _, v := range Versions() {
		if function, ok := values.Functions[v.Name]; ok && function.Version != "v"+v.Version {
			t.Errorf("compositions get %s %s: want v%s", v.Name, function.Version, v.Version)
		}
	}
	if len(values.Functions) != 2 {
		t.Errorf("compositions get %d functions: want the 2 of the engine", len(values.Functions))
	}
}
