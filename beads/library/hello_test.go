package library

import (
	"context"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest"
	"github.com/back-stack/backstack/beads/beadtest/scaffolder"
	"github.com/back-stack/backstack/internal/helm"
	"github.com/back-stack/backstack/internal/report"
)

// loadHello loads Bead hello.
func loadHello(t *testing.T) *bead.Folder {
	t.Helper()
	folder, err := fs.Sub(FS(), "hello")
	if err != nil {
		t.Fatal(err)
	}
	files, err := artifact.ReadFS(folder)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := bead.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// hello renders Bead hello for a hub.
func hello(t *testing.T, hub bead.Hub, given map[string]any) *bead.Rendered {
	t.Helper()
	loaded := loadHello(t)
	values, err := loaded.Values(given, "parameters")
	if err != nil {
		t.Fatal(err)
	}
	out, err := loaded.Render(context.Background(), hub, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTestsOfTheTemplateOfHelloPass(t *testing.T) {
	result, err := beadtest.Run(context.Background(), beadtest.Options{
		Folder: loadHello(t), Only: regexp.MustCompile("^template"), Timeout: time.Minute,
	}, report.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range result.Tests {
		if !test.Passed {
			t.Errorf("%s: %s", test.Name, strings.Join(test.Failures, "\n"))
		}
	}
}

// helloRepository returns the files that the template of Bead hello makes.
func helloRepository(t *testing.T, requests string) bead.Files {
	t.Helper()
	out := hello(t, bead.Hub{Name: "hub", URL: requests, Requests: requests}, nil)
	template, err := scaffolder.Find(out.Catalog, "hello")
	if err != nil {
		t.Fatal(err)
	}
	made, err := template.Run(context.Background(), map[string]any{
		"name": "shop-api", "description": `What is "in": the shop`, "owner": "payments", "system": "shop",
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTheSampleApplicationIsWhatCanRunOnTheHub(t *testing.T) {
	for _, test := range []struct {
		name  string
		pods  bool
		given map[string]any
		want  []string
	}{
		{"without nodes", false, map[string]any{"host": "hello.example.com"}, []string{"ConfigMap", "Namespace", "Service", "ValidatingPolicy"}},
		{"with nodes", true, nil, []string{"ConfigMap", "Deployment", "Namespace", "Service", "ValidatingPolicy"}},
		{
			"with nodes and a host", true, map[string]any{"host": "hello.example.com"},
			[]string{"ConfigMap", "Deployment", "Ingress", "Namespace", "Service", "ValidatingPolicy"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			const requests = "https://git.example/org/requests.git"
			var kinds []string
			for _, m := range hello(t, bead.Hub{Name: "hub", Pods: test.pods, URL: requests, Requests: requests}, test.given).Objects() {
				kinds = append(kinds, m.Object.GetKind())
			}
			slices.Sort(kinds)
			if !slices.Equal(kinds, test.want) {
				t.Errorf("the objects are %v: want %v", kinds, test.want)
			}
		})
	}
}

func TestARepositoryOfHelloPassesTheFirstStageOfItsPipeline(t *testing.T) {
	dir := t.TempDir()
	for name, content := range helloRepository(t, "https://git.example:3000/org/requests.git") {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{{"gofmt", "-l", "."}, {"go", "vet", "./..."}, {"go", "test", "./..."}} {
		c := exec.CommandContext(t.Context(), command[0], command[1:]...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off", "GOTOOLCHAIN=local")
		out, err := c.CombinedOutput()
		if err != nil || command[0] == "gofmt" && len(out) > 0 {
			t.Errorf("%s: %v\n%s", strings.Join(command, " "), err, out)
		}
	}
}

func TestTheChartOfARepositoryOfHelloRenders(t *testing.T) {
	made := helloRepository(t, "https://git.example:3000/org/requests.git")
	objects, err := helm.Chart(made.Sub("chart"), helm.Release{
		Name: "shop", Namespace: "shop", Values: map[string]any{"host": "shop.example.com", "text": `a "text": with all`},
	})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, object := range objects {
		kinds = append(kinds, object.GetKind())
	}
	if want := []string{"Service", "Deployment", "Ingress"}; !slices.Equal(kinds, want) {
		t.Errorf("the chart has %v: want %v", kinds, want)
	}
}

func TestTheManifestsOfARepositoryOfHelloAreYAML(t *testing.T) {
	for host, image := range map[string]string{
		"https://git.example:3000/Org/requests.git": "git.example:3000/org/shop-api",
		"https://github.com/Org/requests.git":       "ghcr.io/org/shop-api",
	} {
		made := helloRepository(t, host)
		for name, content := range made.All() {
			extension := filepath.Ext(name)
			if extension != ".yaml" && extension != ".yml" || strings.HasPrefix(name, "chart/templates/") {
				continue
			}
			for _, document := range bead.Documents(string(content)) {
				if err := yaml.UnmarshalStrict(document.Text, new(any)); err != nil {
					t.Errorf("%s:%d: %v", name, document.Line, err)
				}
			}
		}
		if got := string(made["chart/values.yaml"]); !strings.Contains(got, "repository: "+image+"\n") {
			t.Errorf("at %s the image is not %s:\n%s", host, image, got)
		}
		if entity := string(made["catalog-info.yaml"]); strings.Contains(host, "github") != strings.Contains(entity, "github.com/project-slug: Org/shop-api") {
			t.Errorf("at %s the entity is:\n%s", host, entity)
		}
		for name := range maps.Keys(made) {
			if strings.HasSuffix(name, ".njk") {
				t.Errorf("%s has kept the ending of a template", name)
			}
		}
	}
}
