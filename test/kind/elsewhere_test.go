//go:build e2e

package kind

import (
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/test/internal/forge"
	"github.com/back-stack/backstack/test/internal/hubtest"
	"github.com/back-stack/backstack/test/kind/stage"
)

// TestRepositoriesElsewhere has a hub whose repositories are on a Git server that is not the hub's: hub.git has files of
// somebody's, and at first a branch that takes no commit; requests.git is empty.
func TestRepositoriesElsewhere(t *testing.T) {
	before := belongings(t)
	address, err := stage.Gateway(hubtest.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	server, authority := forge.Start(t, on.Engine, address)
	hubURL := server.Repository(t, "platform", false)
	server.Protect(t, "platform")
	hub := machine.Hub("elsewhere")
	file := described(t, hub.Name, map[string]any{
		"repositories": map[string]any{"hub": hubURL, "requests": server.Repository(t, "wishes", true)},
		"components": map[string]any{"argocd": map[string]any{"values": map[string]any{
			"tlsCertificates": map[string]any{address: hubtest.ReadFile(t, authority)},
		}}},
	})
	t.Setenv("SSL_CERT_FILE", authority)
	token := server.Token(t, forge.ReadAndWrite)
	t.Setenv("BACKSTACK_GIT_TOKEN", token)

	result := hub.Machine.Run(t, "install", "-f", file).Want(t, 1)
	if !strings.Contains(result.Stderr, "does not take a commit to main") || strings.Contains(result.Stderr, token) {
		t.Errorf("the message is %s\nwant it to name the branch that takes no commit, and not the token", result.Stderr)
	}
	checkBelongings(t, before)

	server.Unprotect(t, "platform")
	hub.Machine.Must(t, "install", "-f", file)
	t.Setenv("BACKSTACK_GIT_TOKEN", "") // it is kept
	checkHealthy(t, hub, []string{"argocd", "crossplane", "kyverno", "traefik"})
	files := filesOf(t, server.Open(hubURL, token))
	if files["README.md"] == nil || files["hub.yaml"] == nil {
		t.Errorf("hub.git has %d files, want somebody's README.md and hub.yaml among them", len(files))
	}
	for path, content := range files {
		if strings.Contains(string(content), token) {
			t.Errorf("%s in hub.git has the token", path)
		}
	}
	hub.Must(t, "bead", "add", "namespace")
	if after := filesOf(t, server.Open(hubURL, token)); len(after) <= len(files) {
		t.Errorf("hub.git has %d files after %d, want more with a Bead", len(after), len(files))
	}
	hub.Must(t, "uninstall")
	if after := filesOf(t, server.Open(hubURL, token)); after["README.md"] == nil {
		t.Error("hub.git is not what it was: want a hub that is removed to leave the repositories elsewhere")
	}
}

// filesOf are the files on the branch main.
func filesOf(t *testing.T, repository gitops.Repository) map[string][]byte {
	t.Helper()
	checkout, err := repository.Checkout(hubtest.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	return checkout.Files
}
