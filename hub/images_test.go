package hub

import (
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
)

// cronJobCharts stand in for upstream's: each has a CronJob with the image that its value named extra is.
func cronJobCharts(t *testing.T) render.Archives {
	t.Helper()
	const job = `{{ with .Values.extra }}
apiVersion: batch/v1
kind: CronJob
metadata: {name: extra}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: extra, image: {{ . }}}]}}}}}
{{ end }}`
	archives := render.Archives{}
	for _, component := range charts.Components() {
		upstream, ok := charts.UpstreamOf(component.Name)
		if !ok {
			continue
		}
		path, err := chartutil.Save(&chart.Chart{
			Metadata:  &chart.Metadata{APIVersion: "v2", Name: upstream.Name, Version: upstream.Version},
			Templates: []*chart.File{{Name: "templates/job.yaml", Data: []byte(job)}},
		}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if archives[component.Name], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return archives
}

func TestAnImageThatIsNotFromTheHubsRegistryIsRefused(t *testing.T) {
	wanted := func(extra, registry string) *spec.Hub {
		text := "apiVersion: backstack.dev/v1alpha1\nkind: Hub\nmetadata: {name: demo}\nspec:\n  provider: kind\n" +
			"  components: {kyverno: {values: {kyverno: {extra: " + extra + "}}}}\n" + registry
		h, err := spec.Load([]byte(text), "hub.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return spec.Resolve(h)
	}
	const registry = "  registry: {prefix: registry.example.com/mirror}\n"
	fetched := cronJobCharts(t)
	err := checkImages(wanted("docker.io/busybox:1", registry), fetched)
	want := "component kyverno has the image docker.io/busybox:1, which is not from spec.registry: want one below registry.example.com/mirror"
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is %v, want %q and nothing else", err, want)
	}
	for _, fine := range []*spec.Hub{
		wanted("registry.example.com/mirror/busybox:1", registry), wanted("docker.io/busybox:1", ""),
	} {
		if err := checkImages(fine, fetched); err != nil {
			t.Error(err)
		}
	}
}
