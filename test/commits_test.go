package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

var (
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	policies   = schema.GroupVersionResource{Group: "policies.kyverno.io", Version: "v1", Resource: "validatingpolicies"}
)

// What a person changes in hub.git.
const (
	argoValues    = "components/argocd/values.yaml"
	policyFile    = "policies/pod-security/privileged-containers.yaml"
	policyName    = "pod-security-privileged-containers"
	policyMessage = "No container of this hub is privileged."
)

// testCommits checks that Argo CD applies what a person commits, to itself and to Kyverno, without backstack.
func testCommits(t *testing.T, hub *hubtest.Hub) {
	repository := hub.Clone(t, "hub")
	told := pushesTold(t, hub)
	repository.Push(t, "Look for lost commits more often, say no more clearly", map[string]string{
		argoValues: repository.Replace(t, argoValues, "timeout.reconciliation: 180s", "timeout.reconciliation: 170s"),
		policyFile: repository.Replace(t, policyFile,
			"securityContext.privileged must be unset or false for every container.", policyMessage),
	})
	client := hub.Client(t)
	hubtest.Until(t, client, configMaps, "argocd", "argocd-cm", hubtest.HasValue("170s", "data", "timeout.reconciliation"))
	hubtest.Until(t, client, policies, "", policyName, hasMessage)
	if now := pushesTold(t, hub); now <= told {
		t.Error("Gitea did not tell Argo CD of the commit, which was found by looking for it, minutes later")
	}
	hub.AwaitHealthy(t)
}

// pushesTold counts the pushes that Gitea has told Argo CD of since its server's log was begun.
func pushesTold(t *testing.T, hub *hubtest.Hub) int {
	t.Helper()
	return strings.Count(hubtest.ReadFile(t, hub.Status(t).Programs()["argocd-server"].Log), "Received push event repo: ")
}

// testCommitDuringInstall pushes a commit while an install has looked at hub.git already. It must not wait for the commit
// that was the newest then.
func testCommitDuringInstall(t *testing.T, hub *hubtest.Hub) {
	install := hub.Start(t, "install", "--timeout", "1m")
	if !install.Await("repositories", "done", "unchanged") {
		t.Fatalf("the install ended before that: %+v", install.Wait())
	}
	install.Signal(t, syscall.SIGSTOP)
	repository := hub.Clone(t, "hub")
	repository.Push(t, "Look for lost commits less often again", map[string]string{
		argoValues: repository.Replace(t, argoValues, "timeout.reconciliation: 170s", "timeout.reconciliation: 175s"),
	})
	hubtest.Until(t, hub.Client(t), configMaps, "argocd", "argocd-cm", hubtest.HasValue("175s", "data", "timeout.reconciliation"))
	hub.AwaitHealthy(t)
	install.Signal(t, syscall.SIGCONT)
	install.Wait().Want(t, 0)
}

// testHandEdits checks that Argo CD puts back what somebody changes or deletes in the cluster.
func testHandEdits(t *testing.T, hub *hubtest.Hub) {
	client, ctx := hub.Client(t), hubtest.Patient(t)
	edit := []byte(`{"data":{"timeout.reconciliation":"1s"}}`)
	edited, err := client.Dynamic().Resource(configMaps).Namespace("argocd").Patch(
		ctx, "argocd-cm", types.MergePatchType, edit, metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		t.Fatal(err)
	}
	if missing := hubtest.HasValue("1s", "data", "timeout.reconciliation")(edited); missing != "" {
		t.Fatalf("the hand edit itself: %s", missing)
	}
	if err := client.Dynamic().Resource(policies).Delete(ctx, policyName, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	hubtest.Until(t, client, configMaps, "argocd", "argocd-cm", hubtest.HasValue("175s", "data", "timeout.reconciliation"))
	hubtest.Until(t, client, policies, "", policyName, hasMessage)
	hub.AwaitHealthy(t)
}

// hasMessage wants the policy's first validation to be as it was committed.
func hasMessage(policy *unstructured.Unstructured) string {
	validations, _, _ := unstructured.NestedSlice(policy.Object, "spec", "validations")
	if text := fmt.Sprint(validations); !strings.Contains(text, policyMessage) {
		return fmt.Sprintf("validations are %s, want the message %q", text, policyMessage)
	}
	return ""
}

// testConflict checks that install leaves alone what a person has committed, and refuses to write over it.
func testConflict(t *testing.T, hub *hubtest.Hub) {
	before := observe(t, hub)
	hub.Must(t, "install")
	before.check(t, hub)
	if values := hub.Clone(t, "hub").Read(t, argoValues); !strings.Contains(values, "timeout.reconciliation: 175s") {
		t.Errorf("install took back what was committed in %s:\n%s", argoValues, values)
	}

	result := hub.Run(t, "install", "--set", `components.argocd.values.config["exec.enabled"]="true"`).Want(t, 4)
	if !strings.Contains(result.Stderr, argoValues) || !strings.Contains(result.Stderr, "spec.components.NAME.values") {
		t.Errorf("a conflict is refused with\n%swant the file %s and what to do", result.Stderr, argoValues)
	}
	before.check(t, hub)

	// Not even what the same install asks for beside it is done.
	outputs := hub.Must(t, "outputs", "-o", "json")
	ports := filepath.Join(hub.Dir(), "ports.json")
	kept, err := os.ReadFile(ports)
	if err != nil {
		t.Fatal(err)
	}
	hub.Run(t, "install", "--set", `components.argocd.values.config["exec.enabled"]="true"`,
		"--set", "embedded.ports.gitea="+freePort(t)).Want(t, 4)
	before.check(t, hub)
	if now := hub.Must(t, "outputs", "-o", "json"); now != outputs {
		t.Errorf("after an install that was refused the outputs are\n%s\nand were\n%s", now, outputs)
	}
	if now, err := os.ReadFile(ports); err != nil || !bytes.Equal(now, kept) {
		t.Errorf("after an install that was refused the ports are\n%s (%v) and were\n%s", now, err, kept)
	}
	hub.Must(t, "install")
	before.check(t, hub)
}
