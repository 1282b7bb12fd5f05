package render

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"golang.org/x/tools/txtar"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

var update = flag.Bool("update", false, "write what is rendered to the golden files in testdata")

// demo returns a resolved hub.
func demo(change ...func(*spec.Hub)) *spec.Hub {
	h := spec.Default("demo")
	for _, f := range change {
		f(h)
	}
	h = spec.Resolve(h)
	h.Spec.Repositories = &spec.Repositories{
		Hub:      "https://127.0.0.1:3000/backstack/hub.git",
		Requests: "https://127.0.0.1:3000/backstack/requests.git",
	}
	h.Spec.Embedded = &spec.Embedded{Ports: spec.Ports{Kubernetes: 6443, ArgoCD: 8080, Gitea: 3000}}
	return h
}

// enforcing makes a hub refuse what its policies are against.
func enforcing(h *spec.Hub) { h.Spec.Policies.Mode = spec.ModeEnforce }

func TestRepositoriesOfAnAuditingHub(t *testing.T) {
	golden(t, "hub-audit.txtar", archive(hub(t, demo())))
	golden(t, "requests.txtar", archive(requests(t, demo())))
}

func TestRepositoriesOfAnEnforcingHubDifferInTheirPolicies(t *testing.T) {
	audit, enforce := hub(t, demo()), hub(t, demo(enforcing))
	differing := make(Tree)
	for path, content := range enforce.All() {
		if !bytes.Equal(content, audit[path]) {
			differing[path] = content
		}
	}
	golden(t, "hub-enforce.txtar", archive(differing))
	if len(audit) != len(enforce) {
		t.Errorf("an auditing hub has %d files and an enforcing one %d: want the same", len(audit), len(enforce))
	}
	if !bytes.Equal(archive(requests(t, demo())), archive(requests(t, demo(enforcing)))) {
		t.Error("the requests repository depends on the mode of the policies: want the same files")
	}
}

func TestObjectsOfComponents(t *testing.T) {
	tree := hub(t, demo())
	for _, component := range charts.Components() {
		objects, err := Component(tree, component.Name)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		for _, object := range objects {
			text, err := yaml.Marshal(object.Object)
			if err != nil {
				t.Fatal(err)
			}
			out.WriteString("---\n")
			out.Write(text)
		}
		golden(t, "objects-"+component.Name+".yaml", out.Bytes())
	}
}

func hub(t *testing.T, h *spec.Hub) Tree {
	t.Helper()
	return must(t)(Hub(h))
}

func requests(t *testing.T, h *spec.Hub) Tree {
	t.Helper()
	return must(t)(Requests(h))
}

func must(t *testing.T) func(Tree, error) Tree {
	return func(tree Tree, err error) Tree {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
}

// archive returns a tree as one text.
func archive(tree Tree) []byte {
	var a txtar.Archive
	for path, content := range tree.All() {
		a.Files = append(a.Files, txtar.File{Name: path, Data: content})
	}
	return txtar.Format(&a)
}

// golden compares got with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %s; look at the change with go test ./hub/render -update and git diff", path,
			firstDifference(got, want))
	}
}

// firstDifference says where two texts part.
func firstDifference(got, want []byte) string {
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(gotLines), len(wantLines)) {
		if !bytes.Equal(gotLines[i], wantLines[i]) {
			return "line " + strconv.Itoa(i+1) + " is " + strconv.Quote(string(gotLines[i])) +
				", want " + strconv.Quote(string(wantLines[i]))
		}
	}
	return "it has " + strconv.Itoa(len(gotLines)) + " lines, want " + strconv.Itoa(len(wantLines))
}
