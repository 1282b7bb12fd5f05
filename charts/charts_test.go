package charts

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
)

func TestChartsAreLintFree(t *testing.T) {
	for _, component := range Components() {
		kubernetes, err := chartutil.ParseKubeVersion(Kubernetes)
		if err != nil {
			t.Fatal(err)
		}
		for _, embedded := range []bool{true, false} {
			values := map[string]any{"embedded": embedded}
			result := lint.AllWithKubeVersion(component.Name, values, component.Namespace, kubernetes)
			for _, message := range result.Messages {
				if message.Severity > support.InfoSev {
					t.Errorf("embedded %v: %s", embedded, message)
				}
			}
		}
	}
}

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
	for _, name := range []string{"gitea", "", "../hub", "argocd/templates"} {
		if _, err := Files(name); err == nil || !strings.Contains(err.Error(), "want one of argocd, crossplane, kyverno") {
			t.Errorf("the error for %q is %v: want it to name those that have one", name, err)
		}
	}
}
