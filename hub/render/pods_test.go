package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

// upstreamCharts stand in for upstream's charts: each renders a ConfigMap of the values that it is given.
func upstreamCharts(t *testing.T) Archives {
	t.Helper()
	archives := Archives{}
	for _, component := range charts.Components() {
		upstream, ok := charts.UpstreamOf(component.Name)
		if !ok {
			continue
		}
		archives[component.Name] = packed(t, map[string]string{
			upstream.Name + "/Chart.yaml": fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", upstream.Name, upstream.Version),
			upstream.Name + "/templates/values.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: upstream}\n" +
				"data: {values: {{ toJson .Values | quote }}}\n",
		})
	}
	return archives
}

// packed makes the archive of a chart.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAComponentAsPodsIsUpstreamsChartWithinOurs(t *testing.T) {
	tree := hub(t, demo(onKind))
	for _, component := range charts.Components() {
		objects, err := Component(tree, component.Name)
		if err != nil {
			t.Fatal(err)
		}
		_, wrapped := charts.UpstreamOf(component.Name)
		found := slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetName() == "upstream" })
		if found != wrapped {
			t.Errorf("whether upstream's chart of %s is rendered is %v: want %v", component.Name, found, wrapped)
		}
		for _, o := range objects {
			if o.GetKind() == "ServiceAccount" && wrapped {
				t.Errorf("%s: ours renders ServiceAccount %s: want upstream's alone", component.Name, o.GetName())
			}
		}
	}
}

func TestWithoutUpstreamsChartThereIsNothingToRender(t *testing.T) {
	_, err := Hub(demo(onKind), nil)
	if err == nil || !strings.Contains(err.Error(), "upstream's chart argo-cd 10.1.1 is not there") {
		t.Errorf("the error is %v: want it to name the chart", err)
	}
}

func TestAChartThatHubYAMLAsksForHasItsOwnDigest(t *testing.T) {
	pinned, _ := charts.UpstreamOf("argocd")
	for _, test := range []struct {
		name            string
		asked           *spec.Chart
		version, digest string
	}{
		{"nothing", nil, pinned.Version, pinned.Digest},
		{"the pinned version", &spec.Chart{Version: spec.Version(pinned.Version)}, pinned.Version, pinned.Digest},
		{"another version", &spec.Chart{Version: "10.2.0"}, "10.2.0", ""},
		{"a digest", &spec.Chart{Version: "10.2.0", Digest: "sha256:00"}, "10.2.0", "sha256:00"},
	} {
		h := demo(onKind, func(h *spec.Hub) { h.Spec.Components = map[string]spec.Component{"argocd": {Chart: test.asked}} })
		got, ok := UpstreamOf(h, "argocd")
		if !ok || got.Version != test.version || got.Digest != test.digest {
			t.Errorf("%s: the chart is %s with digest %q: want %s with %q", test.name, got.Version, got.Digest, test.version, test.digest)
		}
	}
	if _, ok := UpstreamOf(demo(), "argocd"); ok {
		t.Error("an embedded hub wants upstream's chart")
	}
}

func TestEveryImageComesFromTheHubsRegistry(t *testing.T) {
	tree := hub(t, demo(onKind, fromRegistry))
	for path, content := range tree.All() {
		if !strings.HasSuffix(path, "/values.yaml") {
			continue
		}
		for line := range strings.Lines(string(content)) {
			for _, host := range []string{"quay.io", "docker.io/", "reg.kyverno.io", "ecr-public", "docker.gitea.com", "crossplane.io/crossplane/"} {
				if key, value, _ := strings.Cut(line, ":"); strings.Contains(key, "repository") && strings.Contains(value, host) {
					t.Errorf("%s: %s: want registry.example.com/mirror", path, strings.TrimSpace(line))
				}
			}
		}
	}
	for _, component := range charts.Components() {
		if values := string(tree["components/"+component.Name+"/values.yaml"]); !strings.Contains(values, PullSecret) {
			t.Errorf("the values of %s do not name the pull secret %s", component.Name, PullSecret)
		}
	}
}
