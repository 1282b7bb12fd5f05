package charts

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
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

// What only runs as pods is fetched as an image. Whoever asks which versions an engine is of is not told of it.
func TestVersionsAreThoseOfWhatTheEngineBuilds(t *testing.T) {
	listed := make(map[string]bool)
	for _, v := range Versions() {
		listed[v.Name] = true
	}
	for name := range modules {
		if !listed[name] {
			t.Errorf("%s is not among the versions, and the engine builds it", name)
		}
	}
	for name := range listed {
		if modules[name] == "" {
			t.Errorf("%s is among the versions, and the engine does not build it", name)
		}
	}
}

func TestChartsAreOfTheseVersions(t *testing.T) {
	want := map[string]string{
		"argocd": ArgoCD, "crossplane": Crossplane, "gitea": Gitea, "kyverno": Kyverno, "traefik": Traefik,
	}
	for _, component := range Components() {
		chart, err := loader.Load(component.Name)
		if err != nil {
			t.Fatal(err)
		}
		if chart.AppVersion() != want[component.Name] {
			t.Errorf("the chart of %s is for version %s: want %s", component.Name, chart.AppVersion(), want[component.Name])
		}
	}
}

func TestImagesOfOurOwnChartsAreOfTheseVersions(t *testing.T) {
	for component, want := range map[string]string{"gitea": Gitea + "-rootless", "traefik": "v" + Traefik} {
		chart, err := loader.Load(component)
		if err != nil {
			t.Fatal(err)
		}
		image, _ := chart.Values["image"].(map[string]any)
		if image["tag"] != want {
			t.Errorf("the chart of %s runs the image with tag %v: want %s", component, image["tag"], want)
		}
	}
}

func TestUpstreamsChartsArePinned(t *testing.T) {
	digest := regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	for _, component := range Components() {
		upstream, ok := UpstreamOf(component.Name)
		if !ok {
			continue
		}
		if _, err := semver.StrictNewVersion(upstream.Version); err != nil {
			t.Errorf("the chart of %s is %s: want a full version: %v", component.Name, upstream.Version, err)
		}
		if !strings.HasPrefix(upstream.Repository, "https://") {
			t.Errorf("the chart of %s comes from %s: want https", component.Name, upstream.Repository)
		}
		if upstream.Digest != "" && !digest.MatchString(upstream.Digest) {
			t.Errorf("the digest of the chart of %s is %s: want sha256:HEX", component.Name, upstream.Digest)
		}
	}
	// Its chart and it are released together, with one version.
	if upstream, _ := UpstreamOf("crossplane"); upstream.Version != Crossplane {
		t.Errorf("Crossplane %s is pinned with chart %s: want the chart of that version", Crossplane, upstream.Version)
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
