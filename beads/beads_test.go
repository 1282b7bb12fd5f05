package beads

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/hub/spec"
)

// archive returns the files of a txtar archive.
func archive(text string) bead.Files {
	files := make(bead.Files)
	for _, file := range txtar.Parse([]byte(text)).Files {
		files[file.Name] = file.Data
	}
	return files
}

// folderOf is a file system of the files.
func folderOf(files bead.Files) fs.FS {
	folder := make(fstest.MapFS)
	for name, content := range files {
		folder[name] = &fstest.MapFile{Data: content}
	}
	return folder
}

// describedHub is a hub that is described and not there.
func describedHub(t *testing.T, library string) *Hub {
	t.Helper()
	h := spec.Resolve(spec.Default("hub"))
	h.Spec.Repositories = &spec.Repositories{
		Hub: "https://git.example/backstack/hub.git", Requests: "https://git.example/backstack/requests.git",
	}
	h.Spec.Embedded = &spec.Embedded{Ports: spec.Ports{Kubernetes: 1, ArgoCD: 2, Gitea: 3}}
	return &Hub{
		Access: &hub.Access{Name: "hub", Spec: h}, Library: folderOf(archive(library)), Version: "0.5.0",
	}
}

// describe returns a bead.yaml, with more lines of its spec.
func yamlOf(name, version string, more ...string) string {
	text := "apiVersion: backstack.dev/v1alpha1\nkind: Bead\nmetadata: {name: " + name + "}\nspec:\n  version: " + version +
		"\n  description: One for tests\n"
	for _, line := range more {
		text += "  " + line + "\n"
	}
	return text
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"

// inLibrary are the files of a Bead with one ConfigMap in a library.
func inLibrary(name, version string, more ...string) string {
	return "-- " + name + "/bead.yaml --\n" + yamlOf(name, version, more...) + "-- " + name + "/application/a.yaml --\n" + configMap
}

// planned plans to add the library's Bead called name to a hub.git with the files.
func planned(t *testing.T, h *Hub, name string, files map[string][]byte) (*plan, error) {
	t.Helper()
	found, err := h.fetch(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	found.requested = true
	tree, err := h.Tree()
	if err != nil {
		t.Fatal(err)
	}
	return h.plan(context.Background(), found, tree, files, func(present []Installed) error { return checkNew(found, present) })
}

// paths are those of the files of a change.
func paths(files []File) []string {
	var paths []string
	for _, file := range files {
		paths = append(paths, file.Action+" "+file.Path)
	}
	return paths
}

func TestWhatIsRequiredComesAlongFirst(t *testing.T) {
	h := describedHub(t, inLibrary("a", "1.0.0", `requires: {beads: {b: ">=2"}}`)+
		inLibrary("b", "2.1.0", `requires: {beads: {c: ""}}`)+inLibrary("c", "0.1.0"))
	p, err := planned(t, h, "a", map[string][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"c", "b"}; !slices.Equal(p.change.Also, want) {
		t.Errorf("%v come along: want %v", p.change.Also, want)
	}
	all, err := installed(withPrefix(p.put))
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range all {
		if requested := each.Name == "a"; each.Lock.Spec.Requested != requested {
			t.Errorf("the lock of %s says requested: %v, want %v", each.Name, each.Lock.Spec.Requested, requested)
		}
	}
	a, _ := find(all, "a")
	if a.Lock.Spec.Requires["b"] != "2.1.0" || a.Lock.Spec.Source != "library:a" {
		t.Errorf("the lock is %+v: want where it is from, and the version of b", a.Lock.Spec)
	}
}

// withPrefix puts Beads' files where hub.git has them.
func withPrefix(put map[string]bead.Files) map[string][]byte {
	tree := make(map[string][]byte)
	for name, files := range put {
		for file, content := range files {
			tree["beads/"+name+"/"+file] = content
		}
	}
	return tree
}

func TestWhatCannotBeMetIsNamedAtOnce(t *testing.T) {
	h := describedHub(t, inLibrary("a", "1.0.0",
		`requires: {backstack: ">=9", components: {crossplane: ">=9"}, beads: {b: ">=3", none: "", there: ">=2"}}`)+
		inLibrary("b", "2.1.0", `requires: {beads: {a: ""}}`))
	files := map[string][]byte{
		"beads/there/bead.yaml":      []byte(yamlOf("there", "1.0.0")),
		"beads/there/bead.lock.yaml": []byte("apiVersion: v\nkind: BeadLock\nmetadata: {name: there}\nspec: {version: 1.0.0}\n"),
	}
	_, err := planned(t, h, "a", files)
	for _, want := range []string{
		"bead a requires backstack >=9: this is 0.5.0",
		"bead a requires crossplane >=9: hub hub has 2.4.0",
		"bead a requires Bead b >=3, and the library has 2.1.0",
		"beads require each other: a requires b requires a",
		"bead a requires Bead none , which is neither on the hub nor in the library",
		"bead a requires Bead there >=2, and 1.0.0 is installed: `backstack bead upgrade there` first",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v: want it to say %q", err, want)
		}
	}
}

func TestABeadThatOthersRequireInAnotherVersionIsRefused(t *testing.T) {
	h := describedHub(t, inLibrary("a", "2.0.0"))
	files := map[string][]byte{"beads/b/bead.yaml": []byte(yamlOf("b", "1.0.0", `requires: {beads: {a: "<2"}}`))}
	_, err := planned(t, h, "a", files)
	if want := "bead b, which is installed, requires Bead a <2: this is 2.0.0"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}

func TestAComponentThatAPartNeedsMustBeThere(t *testing.T) {
	h := describedHub(t, "-- a/bead.yaml --\n"+yamlOf("a", "1.0.0")+
		"-- a/policies/p.yaml --\napiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: p}\n")
	off := false
	kyverno := h.Spec.Spec.Components[spec.Kyverno]
	kyverno.Enabled = &off
	h.Spec.Spec.Components[spec.Kyverno] = kyverno
	_, err := planned(t, h, "a", map[string][]byte{})
	if want := "bead a has policies, and hub hub has no kyverno"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}

func TestObjectsOfOthersAreRefused(t *testing.T) {
	xrd := "apiVersion: apiextensions.crossplane.io/v2\nkind: CompositeResourceDefinition\nmetadata: {name: xs.backstack.dev}\n"
	h := describedHub(t, "-- a/bead.yaml --\n"+yamlOf("a", "1.0.0")+"-- a/composites/x.yaml --\n"+xrd+
		"---\napiVersion: pkg.crossplane.io/v1\nkind: Function\nmetadata: {name: function-auto-ready}\n"+
		"-- a/policies/p.yaml --\napiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: single-tenant}\n"+
		"-- a/application/a.yaml --\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"+
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\n"+
		"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine, namespace: kube-system}\n"+
		"---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\n"+
		"---\napiVersion: v1\nkind: Namespace\nmetadata: {name: crossplane-system}\n"+
		"---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\n"+
		"---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: app}\n")
	files := map[string][]byte{"beads/other/composites/x.yaml": []byte(xrd)}
	_, err := planned(t, h, "a", files)
	for _, want := range []string{
		"composites/x.yaml:1: CompositeResourceDefinition xs.backstack.dev belongs to Bead other",
		"composites/x.yaml:5: Function function-auto-ready belongs to the hub itself",
		"policies/p.yaml:1: ValidatingPolicy single-tenant belongs to the hub itself",
		"application/a.yaml:1: Secret bead-a/s: a Secret's content does not belong in Git",
		"application/a.yaml:5: ConfigMap argocd/argocd-cm belongs to the hub itself",
		"application/a.yaml:9: ConfigMap kube-system/mine: want it in a namespace that begins with bead-",
		"application/a.yaml:13: ClusterRoleBinding b: a Bead may not bring this kind",
		"application/a.yaml:17: Namespace crossplane-system belongs to the hub itself",
		"application/a.yaml:21: PersistentVolume v: a Bead may not bring this kind to a hub, for it is cluster-wide",
		"application/a.yaml:25: Application bead-a/app: Argo CD's own kinds are backstack's to make",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v: want it to say %q", err, want)
		}
	}
}

func TestAddingTheSameAgainChangesNothing(t *testing.T) {
	h := describedHub(t, inLibrary("a", "1.0.0"))
	first, err := planned(t, h, "a", map[string][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"add beads/a/application/a/configmap-a.yaml", "add beads/a/application/namespace/namespace-bead-a.yaml",
		"add beads/a/bead.lock.yaml", "add beads/a/bead.yaml",
	}
	if got := paths(first.change.Files); !slices.Equal(got, want) {
		t.Errorf("it would %v: want %v", got, want)
	}
	second, err := planned(t, h, "a", withPrefix(first.put))
	if err != nil || len(second.change.Files) != 0 {
		t.Errorf("the second time it would %v (%v): want nothing", paths(second.change.Files), err)
	}
}

func TestAddingAnotherVersionIsAnUpgrade(t *testing.T) {
	h := describedHub(t, inLibrary("a", "1.0.0"))
	first, err := planned(t, h, "a", map[string][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	h.Library = folderOf(archive(inLibrary("a", "1.1.0")))
	_, err = planned(t, h, "a", withPrefix(first.put))
	if want := "bead a is installed already, version 1.0.0 from library:a: `backstack bead upgrade a`"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}

func TestAFolderThatSomebodyPutThereByHandIsLeftAlone(t *testing.T) {
	h := describedHub(t, inLibrary("a", "1.0.0"))
	_, err := planned(t, h, "a", map[string][]byte{"beads/a/own.yaml": []byte(configMap)})
	if want := "beads/a is in hub.git already, and not from `backstack bead add`"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}

func TestWhatGuardsComesBeforeWhatRuns(t *testing.T) {
	h := describedHub(t, "-- a/bead.yaml --\n"+yamlOf("a", "1.0.0", "applications: [{name: late, wave: 3}]")+
		"-- a/policies/p.yaml --\napiVersion: policies.kyverno.io/v1\nkind: ValidatingPolicy\nmetadata: {name: p}\n"+
		"-- a/application/late/a.yaml --\n"+configMap)
	p, err := planned(t, h, "a", map[string][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"policies/validatingpolicy-p.yaml":  `argocd.argoproj.io/sync-wave: "-1"`,
		"application/late/configmap-a.yaml": `argocd.argoproj.io/sync-wave: "3"`,
	} {
		if got := string(p.put["a"][name]); !strings.Contains(got, want) {
			t.Errorf("%s is\n%s\nwant it to have %s", name, got, want)
		}
	}
}

func TestSpokesGetAnApplicationSetOfTheirLabels(t *testing.T) {
	h := describedHub(t, "-- a/bead.yaml --\n"+
		yamlOf("a", "1.0.0", "applications: [{name: agent, namespace: monitoring, destination: {spokes: {matchLabels: {tier: prod}}}}]")+
		"-- a/application/agent/a.yaml --\n"+configMap)
	p, err := planned(t, h, "a", map[string][]byte{})
	if err != nil {
		t.Fatal(err)
	}
	if p.put["a"]["spokes/agent/configmap-a.yaml"] == nil {
		t.Errorf("the files are %v: want the spokes' among them", paths(p.change.Files))
	}
	for _, want := range []string{
		"name: bead-a-agent\n", "backstack.dev/cluster-type: spoke\n", "tier: prod\n", "project: bead-spokes\n",
		"path: beads/a/spokes/agent\n", "namespace: monitoring\n",
	} {
		if got := string(p.put["a"][spokesName]); !strings.Contains(got, want) {
			t.Errorf("the ApplicationSet is\n%s\nwant it to have %q", got, want)
		}
	}
}

func TestAHubThatWantsSignaturesTakesNoFolder(t *testing.T) {
	h := describedHub(t, inLibrary("a", "1.0.0"))
	h.Spec.Spec.Beads = &spec.Beads{PublicKey: "a key"}
	if _, err := h.fetch(context.Background(), "a"); err != nil {
		t.Errorf("the library's is refused: %v", err)
	}
	_, err := h.fetch(context.Background(), "./a")
	if want := "hub hub takes only signed Beads"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v: want it to say %q", err, want)
	}
}
