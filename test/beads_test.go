package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

var (
	gardens = schema.GroupVersionResource{Group: "backstack.dev", Version: "v1alpha1", Resource: "gardens"}
	secrets = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	crds    = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	applicationSets = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applicationsets"}
)

// testBeads is what happens to Beads on a hub. Each part leaves the hub without the Bead that it is about.
func testBeads(t *testing.T, hub *hubtest.Hub) {
	for _, part := range []struct {
		name string
		test func(*testing.T, *hubtest.Hub)
	}{
		{"from adding to removing", testBeadJourney},
		{"killed at every step", testKilledBeads},
		{"one that the API server refuses", testBrokenBead},
		{"by hand, with what is another's", testSharedObject},
		{"by a pull request", testProposedBead},
		{"for spokes", testBeadForSpokes},
		{"from a package and from a repository", testBeadSources},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, hub) })
	}
}

// beadDir is the folder of a Bead of the tests.
func beadDir(name string) string { return filepath.Join("testdata", "beads", name) }

// changedBead copies a Bead's folder, with texts of its files replaced: FILE, FROM, TO, ...
func changedBead(t *testing.T, name string, replace ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(beadDir(name))); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 3 {
		path := filepath.Join(dir, replace[i])
		content := hubtest.ReadFile(t, path)
		if !strings.Contains(content, replace[i+1]) {
			t.Fatalf("%s lacks %q", path, replace[i+1])
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, replace[i+1], replace[i+2])), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// beadEntry is an item of `bead list -o json`.
type beadEntry struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Installed bool   `json:"installed"`
	Healthy   bool   `json:"healthy"`
}

// listed returns a Bead as list shows it.
func listed(t *testing.T, hub *hubtest.Hub, name string) beadEntry {
	t.Helper()
	var list []beadEntry
	if err := json.Unmarshal([]byte(hub.Must(t, "bead", "list", "-o", "json")), &list); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(list, func(e beadEntry) bool { return e.Name == name })
	if at < 0 {
		return beadEntry{}
	}
	return list[at]
}

// refused runs a command that must end with the status and say all of the texts.
func refused(t *testing.T, hub *hubtest.Hub, status int, args []string, want ...string) {
	t.Helper()
	result := hub.Run(t, args...).Want(t, status)
	for _, text := range want {
		if !strings.Contains(result.Stderr, text) {
			t.Errorf("backstack %s says\n%s\nwant %q", strings.Join(args, " "), result.Stderr, text)
		}
	}
}

func testBeadJourney(t *testing.T, hub *hubtest.Hub) {
	client, garden := hub.Client(t), beadDir("garden")
	revision := func() string { return hub.Clone(t, "hub").Revision(t) }
	before := revision()
	if text := hub.Must(t, "bead", "add", garden, "--dry-run"); !strings.Contains(text, "add     beads/garden/bead.lock.yaml") &&
		!strings.Contains(text, "add  beads/garden/bead.lock.yaml") {
		t.Errorf("a dry run shows\n%s\nwant the files", text)
	}
	if revision() != before {
		t.Error("a dry run made a commit")
	}
	refused(t, hub, 2, []string{"bead", "add", garden, "--set", "soli=clay,soil=7"}, "did you mean soil?", "got number, want string")

	generation := beadSet(t, client).GetGeneration()
	hub.Must(t, "bead", "add", garden)
	if now := beadSet(t, client).GetGeneration(); now != generation {
		t.Errorf("the ApplicationSet of Beads has generation %d, want %d: it is not as hub.git says", now, generation)
	}
	added := revision()
	if commits := hub.Clone(t, "hub").Commits(t); !strings.HasPrefix(commits[0], "Add Bead garden 0.1.0\n") {
		t.Errorf("the commit says %q", commits[0])
	}
	if got, want := listed(t, hub, "garden"), (beadEntry{"garden", "0.1.0", true, true}); got != want {
		t.Errorf("it is listed as %+v, want %+v", got, want)
	}
	hub.Must(t, "bead", "add", garden)
	if revision() != added {
		t.Error("adding it again made a commit")
	}
	refused(t, hub, 2, []string{"bead", "add", beadDir("rival")},
		"CompositeResourceDefinition gardens.backstack.dev belongs to Bead garden")

	if err := plant(t, client, "hogweed"); err == nil || !strings.Contains(err.Error(), "Hogweed burns.") {
		t.Errorf("hogweed was planted (%v), want its policy to refuse it", err)
	}
	if err := plant(t, client, "rose"); err != nil {
		t.Fatal(err)
	}
	bed := composed(t, client, "rose")
	if soil, _, _ := unstructured.NestedString(bed.Object, "data", "soil"); soil != "sand" {
		t.Errorf("the soil is %q, want the default, sand", soil)
	}
	hubtest.Until(t, client, configMaps, "requests", "label-rose", hubtest.HasValue("rose", "data", "plant"))

	refused(t, hub, 4, []string{"bead", "remove", "garden"}, "Garden bead-garden/rose is of a kind that it defines")
	refused(t, hub, 4, []string{"bead", "upgrade", "garden",
		changedBead(t, "garden", "bead.yaml", "0.1.0", "0.2.0", "composites/definition.yaml", "plant", "plants")},
		"Garden bead-garden/rose: spec.plant would be lost", "Garden bead-garden/rose: spec.plants: Required value")
	refused(t, hub, 2, []string{"bead", "upgrade", "garden"}, "bead garden came from a folder")

	next := changedBead(t, "garden", "bead.yaml", "0.1.0", "0.2.0")
	hub.Must(t, "bead", "upgrade", "garden", next, "--set", "soil=clay")
	hubtest.Until(t, client, configMaps, "bead-garden", "shed", hubtest.HasValue("clay", "data", "soil"))
	hubtest.Until(t, client, configMaps, "bead-garden", bed.GetName(), hubtest.HasValue("clay", "data", "soil"))
	hub.Must(t, "bead", "upgrade", "garden", next)
	if info := hub.Must(t, "bead", "info", "garden", "-o", "json"); !strings.Contains(info, `"soil": "clay"`) ||
		!strings.Contains(info, `"version": "0.2.0"`) {
		t.Errorf("info says\n%s\nwant version 0.2.0 with the soil that was given before", info)
	}

	if err := client.Dynamic().Resource(gardens).Namespace("bead-garden").Delete(
		hubtest.Patient(t), "rose", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitGone(t, client, gardens, "bead-garden", "rose")
	hub.Must(t, "bead", "remove", "garden")
	checkGone(t, hub, client)
	refused(t, hub, 2, []string{"bead", "remove", "garden"}, "bead garden is not on hub "+hub.Name)
	hub.AwaitHealthy(t)
}

// beadSet is the ApplicationSet that makes an Application of each Bead.
func beadSet(t *testing.T, client *kube.Client) *unstructured.Unstructured {
	t.Helper()
	set, err := client.Get(hubtest.Patient(t), applicationSets, "argocd", "beads")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// plant asks for a garden.
func plant(t *testing.T, client *kube.Client, name string) error {
	t.Helper()
	_, err := client.Dynamic().Resource(gardens).Namespace("bead-garden").Create(hubtest.Patient(t), &unstructured.Unstructured{
		Object: map[string]any{
			"apiVersion": "backstack.dev/v1alpha1", "kind": "Garden",
			"metadata": map[string]any{"name": name}, "spec": map[string]any{"plant": name},
		},
	}, metav1.CreateOptions{})
	return err
}

// composed waits for the ConfigMap that a garden is made of.
func composed(t *testing.T, client *kube.Client, plant string) *unstructured.Unstructured {
	t.Helper()
	var found *unstructured.Unstructured
	err := client.Until(hubtest.Patient(t), configMaps, "bead-garden", func(all []*unstructured.Unstructured) (bool, string) {
		for _, each := range all {
			if value, _, _ := unstructured.NestedString(each.Object, "data", "plant"); value == plant {
				found = each
			}
		}
		return found != nil, "a bed with a " + plant
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func awaitGone(t *testing.T, client *kube.Client, gvr schema.GroupVersionResource, namespace, name string) {
	t.Helper()
	err := client.Until(hubtest.Patient(t), gvr, namespace, func(all []*unstructured.Unstructured) (bool, string) {
		return !slices.ContainsFunc(all, func(each *unstructured.Unstructured) bool { return each.GetName() == name }),
			gvr.Resource + " " + name + " to be gone"
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
}

// checkGone checks that nothing of the Bead garden is left.
func checkGone(t *testing.T, hub *hubtest.Hub, client *kube.Client) {
	t.Helper()
	for _, object := range []struct {
		gvr  schema.GroupVersionResource
		name string
	}{{namespaces, "bead-garden"}, {crds, "gardens.backstack.dev"}} {
		if _, err := client.Get(hubtest.Patient(t), object.gvr, "", object.name); !apierrors.IsNotFound(err) {
			t.Errorf("%s is left (%v)", object.name, err)
		}
	}
	if _, err := client.Get(hubtest.Patient(t), configMaps, "requests", "label-rose"); !apierrors.IsNotFound(err) {
		t.Errorf("what a policy of it generated is left (%v)", err)
	}
	if entry := listed(t, hub, "garden"); entry.Installed {
		t.Errorf("it is listed as %+v", entry)
	}
}

// testKilledBeads kills commands that change Beads, each a little further on its way, and then lets one come to its end.
func testKilledBeads(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	next := changedBead(t, "garden", "bead.yaml", "0.1.0", "0.2.0")
	for _, command := range []struct {
		args    []string
		moments []moment
		commit  string
	}{
		{[]string{"bead", "add", beadDir("garden")}, []moment{
			at("plan", "started"), at("commit", "started"), at("commit", "done"), at("applications", "waiting"),
		}, "Add Bead garden"},
		{[]string{"bead", "upgrade", "garden", next, "--set", "soil=clay"}, []moment{
			at("commit", "started"), at("commit", "done"),
		}, "Upgrade Bead garden"},
		{[]string{"bead", "remove", "garden"}, []moment{
			at("commit", "started"), at("commit", "done"), at("removal", "waiting"),
		}, "Remove Bead garden"},
	} {
		before := len(hub.Clone(t, "hub").Commits(t))
		for _, moment := range command.moments {
			running := hub.Start(t, command.args...)
			if running.Await(moment.step, moment.states...) {
				running.Signal(t, syscall.SIGKILL)
			}
			running.Wait()
		}
		result := hub.Run(t, command.args...)
		if gone := strings.Contains(result.Stderr, "is not on hub"); result.Status != 0 && !gone {
			result.Want(t, 0)
		}
		commits := hub.Clone(t, "hub").Commits(t)
		if len(commits) != before+1 || !strings.HasPrefix(commits[0], command.commit) {
			t.Errorf("%s: %d commits more, the newest %q: want one, %s", command.args[1], len(commits)-before, commits[0], command.commit)
		}
		if command.args[1] == "upgrade" {
			hubtest.Until(t, client, configMaps, "bead-garden", "shed", hubtest.HasValue("clay", "data", "soil"))
		}
	}
	awaitGone(t, client, applications, "argocd", "bead-garden")
	checkGone(t, hub, client)
	hub.AwaitHealthy(t)
}

func testBrokenBead(t *testing.T, hub *hubtest.Hub) {
	refused(t, hub, 3, []string{"bead", "add", beadDir("broken")}, "bead-broken", "broken", "spec.ports[0].port", "70000")
	status := hub.Status(t)
	for _, app := range status.Applications {
		if healthy := app.Sync == "Synced" && app.Health == "Healthy"; !healthy && app.Name != "bead-broken" {
			t.Errorf("because of it, %+v", app)
		}
	}
	hub.Must(t, "bead", "remove", "broken")
	hub.AwaitHealthy(t)
}

// testSharedObject commits a Bead as `bead add` would refuse to: it claims an object of another. Argo CD leaves that with
// its owner, also when the Bead goes again.
func testSharedObject(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	hub.Must(t, "bead", "add", beadDir("garden"))
	hub.Clone(t, "hub").Push(t, "Take the shed", map[string]string{"beads/magpie/shed.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: shed, namespace: bead-garden, labels: {backstack.dev/bead: magpie}}
data: {soil: none}
`})
	const refusal = "Shared resource found: ConfigMap/shed is part of applications argocd/bead-magpie and bead-garden"
	hubtest.Until(t, client, applications, "argocd", "bead-magpie", func(app *unstructured.Unstructured) string {
		message, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "message")
		if strings.Contains(message, refusal) {
			return ""
		}
		return fmt.Sprintf("its sync says %q, want it refused", message)
	})
	checkShed(t, client)
	for _, app := range hub.Status(t).Applications {
		switch healthy := app.Sync == "Synced" && app.Health == "Healthy"; {
		case app.Name != "bead-magpie" && !healthy:
			t.Errorf("because of it, %+v", app)
		case app.Name == "bead-magpie" && !strings.Contains(app.Reason, refusal):
			t.Errorf("status says %q of it: want whose the object is", app.Reason)
		}
	}
	hub.Must(t, "bead", "remove", "magpie")
	checkShed(t, client)
	hub.Must(t, "bead", "remove", "garden")
	checkGone(t, hub, client)
	hub.AwaitHealthy(t)
}

// checkShed checks that the ConfigMap shed is as the Bead garden says.
func checkShed(t *testing.T, client *kube.Client) {
	t.Helper()
	shed, err := client.Get(hubtest.Patient(t), configMaps, "bead-garden", "shed")
	if err != nil {
		t.Fatal(err)
	}
	soil, _, _ := unstructured.NestedString(shed.Object, "data", "soil")
	if owner := shed.GetLabels()["backstack.dev/bead"]; soil != "sand" || owner != "garden" {
		t.Errorf("the shed has soil %q and is of Bead %q: want sand, of garden", soil, owner)
	}
}

func testProposedBead(t *testing.T, hub *hubtest.Hub) {
	before := hub.Clone(t, "hub").Revision(t)
	first := hub.Must(t, "bead", "add", beadDir("garden"), "--pull-request")
	if !strings.Contains(first, "/backstack/hub/pulls/") {
		t.Errorf("it says %q: want where the pull request is", first)
	}
	if again := hub.Must(t, "bead", "add", beadDir("garden"), "--pull-request"); again != first {
		t.Errorf("a second time it says %q, want %q", again, first)
	}
	if now := hub.Clone(t, "hub").Revision(t); now != before {
		t.Errorf("hub.git is at %s, want %s", now, before)
	}
	if entry := listed(t, hub, "garden"); entry.Installed {
		t.Errorf("it is listed as %+v", entry)
	}
}

// testBeadForSpokes registers the hub's own API server, under the address by which people reach it, as if it were a
// spoke: a real cluster, with nothing more to start.
func testBeadForSpokes(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	config, err := clientcmd.BuildConfigFromFlags("", hub.Outputs(t).Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	login, err := json.Marshal(map[string]any{"tlsClientConfig": map[string]any{
		"caData": config.CAData, "certData": config.CertData, "keyData": config.KeyData,
	}})
	if err != nil {
		t.Fatal(err)
	}
	spoke := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": "spoke", "namespace": "argocd", "labels": map[string]any{
			"argocd.argoproj.io/secret-type": "cluster", "backstack.dev/cluster-type": "spoke", "tier": "test",
		}},
		"stringData": map[string]any{"name": "spoke", "server": config.Host, "config": string(login)},
	}}
	if err := client.Apply(hubtest.Patient(t), kube.Backstack, spoke); err != nil {
		t.Fatal(err)
	}
	hub.Must(t, "bead", "add", beadDir("agent"))
	hubtest.Until(t, client, configMaps, "agent", "agent", hubtest.HasValue(hub.Name, "data", "hub"))
	hub.Must(t, "bead", "remove", "agent")
	awaitGone(t, client, configMaps, "agent", "agent")
	for _, gone := range []struct {
		gvr             schema.GroupVersionResource
		namespace, name string
	}{{secrets, "argocd", "spoke"}, {namespaces, "", "agent"}} {
		if err := client.Dynamic().Resource(gone.gvr).Namespace(gone.namespace).Delete(
			hubtest.Patient(t), gone.name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	hub.AwaitHealthy(t)
}

func testBeadSources(t *testing.T, hub *hubtest.Hub) {
	file := filepath.Join(t.TempDir(), "garden.tar")
	first := hub.Must(t, "bead", "package", beadDir("garden"), "-f", file, "-o", "json")
	content := hubtest.ReadFile(t, file)
	if second := hub.Must(t, "bead", "package", beadDir("garden"), "-f", file, "-o", "json"); second != first ||
		hubtest.ReadFile(t, file) != content {
		t.Errorf("the same folder is packaged as %s and %s", first, second)
	}
	var made struct {
		Files string `json:"files"`
	}
	if err := json.Unmarshal([]byte(first), &made); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{file, beadDir("garden")} {
		if text := hub.Must(t, "bead", "add", source, "--dry-run", "-o", "json"); !strings.Contains(text, made.Files) {
			t.Errorf("from %s it is\n%s\nwant the digest %s", source, text, made.Files)
		}
	}
}
