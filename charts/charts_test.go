package charts

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

// Upstream's chart is in ours only in a hub's repository: here ours is alone.
func TestChartsAreLintFree(t *testing.T) {
	kubernetes, err := chartutil.ParseKubeVersion(Kubernetes)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range map[string]map[string]any{
		"as processes": {"embedded": true},
		"as pods":      {"embedded": false},
		// Each chart takes what it knows of these.
		"as pods with everything": {
			"embedded":         false,
			"ingress":          map[string]any{"class": "nginx", "host": "a.example.com", "foreign": true},
			"registry":         map[string]any{"prefix": "registry.example.com", "login": true, "ca": "a\nb\n"},
			"imagePullSecrets": []any{map[string]any{"name": "a"}},
			"persistence":      map[string]any{"size": "1Gi", "hostPath": "/a"},
			"gateway":          true, "args": []any{"--a"},
		},
	} {
		for _, component := range Components() {
			if component.Pods && values["embedded"] == true {
				continue
			}
			result := lint.AllWithKubeVersion(component.Name, values, component.Namespace, kubernetes)
			for _, message := range result.Messages {
				if message.Severity > support.InfoSev {
					t.Errorf("%s: %s", name, message)
				}
			}
		}
	}
}

func TestWhatIsLaidOverValuesForPodsSaysThatTheyArePods(t *testing.T) {
	for _, component := range Components() {
		upstream, wrapped := UpstreamOf(component.Name)
		values := make(map[string]any)
		if err := yaml.Unmarshal(Pods(component.Name), &values); err != nil {
			t.Fatal(err)
		}
		if _, given := values[upstream.Name].(map[string]any); given != wrapped {
			t.Errorf("%s gives upstream's chart values: %v, want %v", component.Name, given, wrapped)
		}
		if embedded, said := values["embedded"]; wrapped && embedded != false || !wrapped && said {
			t.Errorf("%s is embedded: %v, want false where the chart is for processes too", component.Name, embedded)
		}
	}
}

// Helm merges the helpers of a chart and of the charts within it: of two with one name, one would be lost.
func TestHelpersHaveNamesThatNoOtherChartGives(t *testing.T) {
	for _, component := range Components() {
		err := filepath.WalkDir(component.Name, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			for _, name := range helper.FindAllStringSubmatch(string(content), -1) {
				if !strings.HasPrefix(name[1], "hub."+component.Name+".") {
					t.Errorf("%s has the helper %s: want hub.%s.NAME", path, name[1], component.Name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var helper = regexp.MustCompile(`define "([^"]*)"`)

func TestAChartIsCalledLikeItsComponent(t *testing.T) {
	for _, component := range Components() {
		chart, err := loader.Load(component.Name)
		if err != nil {
			t.Fatal(err)
		}
		if chart.Name() != component.Name {
			t.Errorf("the chart of %s is called %s", component.Name, chart.Name())
		}
	}
}

func TestFilesAreTheWholeChart(t *testing.T) {
	for _, component := range Components() {
		files, err := Files(component.Name)
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(component.Name, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			want, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(path, component.Name+"/")
			if got, err := fs.ReadFile(files, name); err != nil || string(got) != string(want) {
				t.Errorf("the chart of %s has not %s as it is in the folder: %v", component.Name, name, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFilesOfAComponentWithoutAChartAreRefused(t *testing.T) {
	for _, name := range []string{"backstage", "", "../hub", "argocd/templates"} {
		_, err := Files(name)
		if err == nil || !strings.Contains(err.Error(), "want one of argocd, crossplane, gitea, kyverno, traefik") {
			t.Errorf("the error for %q is %v: want it to name those that have one", name, err)
		}
	}
}
