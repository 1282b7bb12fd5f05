package bead

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// folder returns the files of an archive.
func folder(archive string) Files {
	files := make(Files)
	for _, file := range txtar.Parse([]byte(archive)).Files {
		files[file.Name] = file.Data
	}
	return files
}

// load loads a Bead that is known to be good.
func load(t *testing.T, archive string) *Folder {
	t.Helper()
	loaded, err := Load(folder(archive))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

const header = `-- bead.yaml --
apiVersion: backstack.dev/v1alpha1
kind: Bead
metadata: {name: demo}
spec:
  version: 0.1.0
  description: A demonstration
`

var hub = Hub{Name: "hub", URL: "https://git.example/hub.git", Requests: "https://git.example/requests.git"}

// rendered renders a good Bead with its defaults and the values given.
func rendered(t *testing.T, f *Folder, given map[string]any) *Rendered {
	t.Helper()
	values, err := f.Values(given, "--set")
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Render(context.Background(), hub, values, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// names lists objects as NAMESPACE/KIND/NAME.
func names(all []Manifest) []string {
	var names []string
	for _, m := range all {
		names = append(names, m.Object.GetNamespace()+"/"+m.Object.GetKind()+"/"+m.Object.GetName())
	}
	return names
}

func TestPartsAreFoundByTheirFolders(t *testing.T) {
	f := load(t, header+`-- application/config.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
-- composites/x.yaml --
apiVersion: apiextensions.crossplane.io/v1
kind: Composition
metadata: {name: c}
-- README.md --
`)
	if want := []Part{PartComposites, PartApplication}; !slices.Equal(f.Parts(), want) {
		t.Errorf("the parts are %v: want %v", f.Parts(), want)
	}
	got := names(rendered(t, f, nil).Objects())
	want := []string{"/Namespace/bead-demo", "/Composition/c", "bead-demo/ConfigMap/a"}
	if !slices.Equal(got, want) {
		t.Errorf("the objects are %v: want %v", got, want)
	}
}

func TestEveryObjectSaysWhichBeadItIsOf(t *testing.T) {
	f := load(t, header+"-- application/a.yaml --\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
	for _, m := range rendered(t, f, nil).Objects() {
		if m.Object.GetLabels()[Label] != "demo" {
			t.Errorf("%s has the labels %v: want %s: demo", m.Object.GetName(), m.Object.GetLabels(), Label)
		}
	}
}

func TestParametersReachEveryPartByHelmsRule(t *testing.T) {
	f := load(t, header+`  parameters:
    size: {type: integer, default: 1000000}
  applications:
    - {name: chart, values: "size: {{ .Values.size }}"}
-- application/plain/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: plain}
data: {size: "{{ .Values.size }}"}
-- application/chart/Chart.yaml --
apiVersion: v2
name: chart
version: 0.1.0
-- application/chart/templates/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: chart}
data: {size: "{{ .Values.size }}"}
-- application/kustomized/kustomization.yaml --
resources: [a.yaml]
namePrefix: my-
-- application/kustomized/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: kustomized}
data: {size: "{{ .Values.size }}"}
-- composites/a.yaml --
apiVersion: apiextensions.crossplane.io/v1beta1
kind: EnvironmentConfig
metadata: {name: composite}
data: {size: "{{ .Values.size }}"}
`)
	for _, test := range []struct {
		given map[string]any
		want  string
	}{{nil, "1000000"}, {map[string]any{"size": 3}, "3"}} {
		out := rendered(t, f, test.given)
		for _, m := range out.Objects()[1:] {
			if got := m.Object.Object["data"].(map[string]any)["size"]; got != test.want {
				t.Errorf("%s has size %v: want %s", m.Object.GetName(), got, test.want)
			}
		}
		want := []string{
			"/Namespace/bead-demo", "/EnvironmentConfig/composite", "bead-demo/ConfigMap/chart",
			"bead-demo/ConfigMap/my-kustomized", "bead-demo/ConfigMap/plain",
		}
		if got := names(out.Objects()); !slices.Equal(got, want) {
			t.Errorf("the objects are %v: want %v", got, want)
		}
	}
}

func TestBackstagesExpressionsAndSkeletonsStayAsTheyAre(t *testing.T) {
	f := load(t, header+`  parameters:
    owner: {type: string, default: platform}
-- templates/demo/template.yaml --
kind: Template
spec: {owner: {{ .Values.owner }}, name: "${{ parameters.name | dump }}"}
-- templates/demo/skeleton/a.yaml --
name: ${{ values.name }} {{ not a template
-- templates/demo/skeleton/deep/b.txt --
{{ b }}
`)
	catalog := rendered(t, f, nil).Catalog
	if got, want := string(catalog["demo/template.yaml"]),
		"kind: Template\nspec: {owner: platform, name: \"${{ parameters.name | dump }}\"}\n"; got != want {
		t.Errorf("the template is %q: want %q", got, want)
	}
	if got, want := string(catalog["demo/skeleton/a.yaml"]), "name: ${{ values.name }} {{ not a template\n"; got != want {
		t.Errorf("the skeleton is %q: want %q", got, want)
	}
	if got := len(catalog); got != 3 {
		t.Errorf("there are %d files for the portal: want 3", got)
	}
}

func TestAHubWithoutNodesIsSeen(t *testing.T) {
	f := load(t, header+"-- composites/p.yaml --\n{{ if .Values.hub.pods }}\napiVersion: pkg.crossplane.io/v1\nkind: Provider\n"+
		"metadata: {name: p}\n{{ end }}\n")
	if got := rendered(t, f, nil).Objects(); len(got) != 0 {
		t.Errorf("the objects are %v: want none", names(got))
	}
}

func TestValuesAreJudgedByTheSchemas(t *testing.T) {
	f := load(t, header+`  parameters:
    region: {type: string, enum: [a, b]}
    count: {type: integer, minimum: 1, default: 3}
-- application/a.yaml --
kind: A
`)
	_, err := f.Values(map[string]any{"count": 0, "regoin": "a"}, "--set")
	for _, want := range []string{
		"--set: regoin: Bead demo has no such parameter: want one of count, region (did you mean region?)",
		"--set: count: minimum: got 0, want 1",
		"--set: region: is missing, and Bead demo has no default for it",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v: want it to say %q", err, want)
		}
	}
	values, err := f.Values(map[string]any{"region": "b"}, "--set")
	if want := map[string]any{"region": "b", "count": int64(3)}; err != nil || !maps.Equal(values, want) {
		t.Errorf("the values are %v (%v): want %v", values, err, want)
	}
}

func TestAValueThatIsNotGivenIsAnError(t *testing.T) {
	f := load(t, header+"-- composites/a.yaml --\nkind: {{ .Values.missing }}\n")
	_, err := f.Render(context.Background(), hub, map[string]any{}, nil)
	if want := "demo/composites/a.yaml:1"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to name %s", err, want)
	}
}

func TestWhatGoesToSpokesDoesNotGoToTheHub(t *testing.T) {
	f := load(t, header+`  applications:
    - name: agent
      namespace: monitoring
      destination: {spokes: {matchLabels: {tier: prod}}}
-- application/agent/a.yaml --
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
-- policies/spokes/p.yaml --
apiVersion: policies.kyverno.io/v1
kind: ValidatingPolicy
metadata: {name: p}
`)
	out := rendered(t, f, nil)
	if len(out.Objects()) != 0 {
		t.Errorf("the hub gets %v: want nothing", names(out.Objects()))
	}
	if len(out.Spokes) != 2 || out.Spokes[0].Selector.MatchLabels["tier"] != "prod" || out.Spokes[0].Namespace != "monitoring" {
		t.Errorf("spokes get %+v: want the application and the policies", out.Spokes)
	}
}

func TestEverythingThatIsWrongIsNamedAtOnce(t *testing.T) {
	_, err := Load(folder(`-- bead.yaml --
apiVersion: backstack.dev/v1
kind: Bead
metadata: {name: Demo_1}
spec:
  version: "1.0"
  descripton: A demonstration
  requires:
    backstack: latest
    components: {crosplane: ">=2"}
  parameters:
    node-count: {type: integer}
    size: {default: 1}
    big: {type: integer, default: many}
    odd: {type: strng}
  applications:
    - {name: a, namespace: kube-system}
    - {name: a}
`))
	if !errors.As(err, new(strictyaml.Faults)) {
		t.Fatalf("the error is %v: want faults", err)
	}
	for _, want := range []string{
		`bead.yaml:1: apiVersion: "backstack.dev/v1" is not what a Bead has here: want backstack.dev/v1alpha1`,
		`bead.yaml:3: metadata.name: "Demo_1" is not a DNS label`,
		`bead.yaml:5: spec.version: "1.0" is no semantic version`,
		`bead.yaml:6: spec.descripton`,
		`bead.yaml:8: spec.requires.backstack: "latest" is no range of versions`,
		`bead.yaml:9: spec.requires.components.crosplane: there is no such component`,
		`bead.yaml:11: spec.parameters.node-count: "node-count" cannot be used as .Values.NAME`,
		`bead.yaml:12: spec.parameters.size: has no type`,
		`bead.yaml:13: spec.parameters.big.default: is not what the schema allows: got string, want integer`,
		`bead.yaml:14: spec.parameters.odd: is no JSON Schema`,
		`bead.yaml:16: spec.applications[0]: there are no files in application/a`,
		`bead.yaml:16: spec.applications[0].namespace: "kube-system" is not a Bead's`,
		`bead.yaml:17: spec.applications[1].name: "a" is item 0 already`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestABeadWithoutAnyPartIsRefused(t *testing.T) {
	_, err := Load(folder(header))
	if want := "there is no part"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say that %s", err, want)
	}
}

func TestAFileThatDoesNotRenderHidesNothingOfTheOthers(t *testing.T) {
	f := load(t, header+`-- composites/a.yaml --
kind: {{ .Values.missing }}
-- composites/b.yaml --
name: {{ .Chart.Name }}
-- application/chart/Chart.yaml --
apiVersion: v2
-- application/chart/templates/a.yaml --
kind: {{ .Values.ofTheChart }}
-- templates/t/skeleton/a.yaml --
name: {{ not a template
`)
	texts, faults := f.Texts(hub, nil)
	if got, want := texts, map[string]string{"composites/b.yaml": "name: demo\n"}; !maps.Equal(got, want) {
		t.Errorf("the texts are %q: want %q", got, want)
	}
	if len(faults) != 1 || faults["composites/a.yaml"] == nil {
		t.Errorf("the faults are %v: want one of composites/a.yaml", faults)
	}
}

func TestWhatCanBeReadOfAFaultyBeadIsReturned(t *testing.T) {
	f, err := Inspect(folder(strings.Replace(header, "version: 0.1.0", "version: one", 1) + "-- application/a.yaml --\nkind: A\n"))
	if err == nil || f.Spec.Description != "A demonstration" || f.Document == nil {
		t.Errorf("the Bead is %+v, and the error %v: want what can be read, and that the version is none", f.Bead, err)
	}
}
