package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// Beads whose tests all pass, and all fail.
const (
	passingBead = "../beads/beadtest/testdata/welcome"
	failingBead = "../beads/beadtest/testdata/wrong"
)

// testBeadTests runs the tests of Beads on a hub, which is to be as it was afterwards.
func testBeadTests(t *testing.T, hub *hubtest.Hub) {
	t.Run("that pass", func(t *testing.T) {
		if out := hub.Must(t, "bead", "test", passingBead); !strings.Contains(out, "4 passed, 0 failed in ") {
			t.Errorf("it prints\n%s\nwant four tests that passed", out)
		}
		checkNothingLeft(t, hub)
	})
	t.Run("that fail", func(t *testing.T) {
		out := hub.Run(t, "bead", "test", failingBead, "--timeout=6s").Want(t, 1).Stdout
		for _, want := range []string{
			`data.word: want "goodbye", got "hello"`,
			`metadata.labels.team: want "a", and there is none`,
			"ConfigMap requests/eve is not there",
			"ConfigMap requests/cy is there, want it absent",
			"condition Synced=True",
			"spec.nothing: no such field",
			".spec.nme: field not declared in schema",
			"Namespace kyverno is on the hub already, and not from a test",
			"Mistake requests/eve is refused to the administrator, want it let in",
			"No role lets alice do this",
			"The namespace is not there: make it in given",
			"These policies only report, whatever is asked: mistake-manners (Audit)",
			`is refused to the administrator, but not with "Nobody is called you there.": `,
			`cards/ada.yaml does not contain "name: Eve"`,
			"0 passed, 9 failed in ",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not print %q:\n%s", want, out)
			}
		}
		checkNothingLeft(t, hub)
	})
	t.Run("that need kinds which nothing defines", func(t *testing.T) { testUnknownKinds(t, hub) })
	t.Run("of a Bead that is installed", func(t *testing.T) { testInstalledBead(t, hub) })
	hub.AwaitHealthy(t)
}

// testUnknownKinds asks for an object of a kind that the hub has not, and of one that it has.
func testUnknownKinds(t *testing.T, hub *hubtest.Hub) {
	dir := filepath.Join(t.TempDir(), "welcome")
	if err := os.CopyFS(dir, os.DirFS(passingBead)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tests", "unknown.yaml"), []byte(`apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: unknown}
spec:
  composes:
    - claim: {apiVersion: welcome.backstack.dev/v1, kind: Welcome, metadata: {name: ada}, spec: {name: Ada}}
      objects:
        - {apiVersion: example.com/v1, kind: Nothing, metadata: {name: ada}}
        - {apiVersion: argoproj.io/v1alpha1, kind: ApplicationSet, metadata: {name: ada}}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, hub, 2, []string{"bead", "test", dir}, "tests need kinds that nothing defines on hub "+hub.Name+":\n"+
		"  Nothing of example.com/v1 (test unknown)\nwant a folder with their definitions (CRDs): --schemas DIR")
	checkNothingLeft(t, hub)
}

// testInstalledBead tests a Bead that is on the hub, as it is and changed.
func testInstalledBead(t *testing.T, hub *hubtest.Hub) {
	hub.Must(t, "bead", "add", passingBead)
	hub.Must(t, "bead", "test", passingBead, "--run=^(card|manners)$")
	before := hub.Clone(t, "hub").Revision(t)
	refused(t, hub, 2, []string{"bead", "test", passingBead},
		"bead welcome is on hub "+hub.Name+" already, with other parameters than these tests want:\n  other-word: ",
		"--run '^(card|manners|template)$'")
	changed := filepath.Join(t.TempDir(), "welcome")
	if err := os.CopyFS(changed, os.DirFS(passingBead)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(changed, "README.md"), []byte("Another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, hub, 2, []string{"bead", "test", changed, "--run=card"},
		"not as it is here: ", "`backstack bead upgrade welcome`")
	if after := hub.Clone(t, "hub").Revision(t); after != before {
		t.Errorf("hub.git is at %s: want it at %s, as before", after, before)
	}
	hub.Must(t, "bead", "remove", "welcome")
}

// checkNothingLeft looks for what the tests of the two Beads bring to a hub.
func checkNothingLeft(t *testing.T, hub *hubtest.Hub) {
	t.Helper()
	client := hub.Client(t)
	for _, resource := range []schema.GroupVersionResource{
		{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
		{Group: "apiextensions.crossplane.io", Version: "v1", Resource: "compositions"},
		{Group: "policies.kyverno.io", Version: "v1", Resource: "validatingpolicies"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"},
		{Version: "v1", Resource: "configmaps"},
	} {
		list, err := client.List(hubtest.Patient(t), resource, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range list {
			if policy := object.GetLabels()["generate.kyverno.io/policy-name"]; strings.HasPrefix(policy, "welcome-") {
				t.Errorf("%s %s is left on the hub", resource.Resource, object.GetName())
			}
			for _, entry := range object.GetManagedFields() {
				if entry.Manager == "backstack-bead-test" || strings.HasSuffix(object.GetName(), ".welcome.backstack.dev") {
					t.Errorf("%s %s is left on the hub", resource.Resource, object.GetName())
				}
			}
		}
	}
}

// TestABeadIsTestedOnAHubOfItsOwn runs tests without a hub, once with what a killed run has left there.
func TestABeadIsTestedOnAHubOfItsOwn(t *testing.T) {
	folder := filepath.Join(machine.State, "backstack", "throwaway")
	t.Cleanup(func() {
		for _, process := range hubtest.ProcessesOf(folder) {
			process.Kill()
		}
	})
	killed := machine.Start(t, "bead", "test", passingBead)
	if !killed.Await("configuration", "done") {
		t.Fatalf("the hub was not made:\n%s", killed.Wait().Stderr)
	}
	killed.Signal(t, syscall.SIGKILL)
	killed.Wait()
	if len(hubtest.ProcessesOf(folder)) == 0 {
		t.Error("the killed run left no process: the test is about nothing")
	}

	var report struct {
		Bead   string `json:"bead"`
		Passed int    `json:"passed"`
		Failed int    `json:"failed"`
		Tests  []struct {
			Name string `json:"name"`
			File string `json:"file"`
		} `json:"tests"`
	}
	if err := json.Unmarshal([]byte(machine.Must(t, "bead", "test", passingBead, "-o", "json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Bead != "welcome" || report.Passed != 4 || report.Failed != 0 || len(report.Tests) != 4 ||
		report.Tests[0].Name != "card" {
		t.Errorf("the report is %+v: want that of four tests that passed", report)
	}
	if left := hubtest.ProcessesOf(folder); len(left) > 0 {
		t.Errorf("%d processes are left, among them %s", len(left), left[0].CommandLine)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", folder, err)
	}
}

// TestAnInterruptedTestOfABeadLeavesNothing ends a run as a person would.
func TestAnInterruptedTestOfABeadLeavesNothing(t *testing.T) {
	folder := filepath.Join(machine.State, "backstack", "throwaway")
	running := machine.Start(t, "bead", "test", passingBead)
	if !running.Await("bead", "started") {
		t.Fatalf("the hub was not made:\n%s", running.Wait().Stderr)
	}
	running.Signal(t, syscall.SIGINT)
	running.Wait().Want(t, 1)
	if left := hubtest.ProcessesOf(folder); len(left) > 0 {
		t.Errorf("%d processes are left, among them %s", len(left), left[0].CommandLine)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", folder, err)
	}
}
