package test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/test/internal/forge"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// testRepositoriesElsewhere has Gitea as the Git server of somebody else's cluster. Everything that an install can know of
// the repositories is refused before it touches the cluster; a hub whose repositories are elsewhere is tested with kind.
func testRepositoriesElsewhere(t *testing.T, c *existingCluster) {
	outputs := c.Outputs(t)
	server := forge.New(t, strings.Split(outputs.Repositories.Hub, "/backstack/")[0],
		[]byte(hubtest.ReadFile(t, outputs.CA)), strings.TrimSpace(hubtest.ReadFile(t, outputs.Repositories.Credential)))
	hub, requests := server.Repository(t, "platform", false), server.Repository(t, "wishes", true)
	good := server.Token(t, forge.ReadAndWrite)

	t.Setenv("SSL_CERT_FILE", outputs.CA) // as a company's authority is one of the machine's
	elsewhere := &hubtest.Machine{Root: t.TempDir(), Command: c.Command, State: t.TempDir()}
	for _, test := range []struct{ name, hub, requests, token, want string }{
		{"no token", hub, requests, "", "BACKSTACK_GIT_TOKEN"},
		{"a token that is none", hub, requests, "nonsense", "does not know the token"},
		{"a token that may only read", hub, requests, server.Token(t, forge.ReadOnly), "may not write"},
		{"no such repository", hub, server.Address("nowhere"), good, "no such repository"},
		{"no such server", "https://127.0.0.1:1/hub.git", requests, good, "connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("BACKSTACK_GIT_TOKEN", test.token)
			file := filepath.Join(t.TempDir(), "hub.yaml")
			if err := os.WriteFile(file, []byte(`{apiVersion: backstack.dev/v1alpha1, kind: Hub, metadata: {name: existing}, spec: {
  provider: existing, existing: {context: `+c.context(t)+`, kubeconfig: `+c.admin+`},
  repositories: {hub: "`+test.hub+`", requests: "`+test.requests+`"}}}`), 0o600); err != nil {
				t.Fatal(err)
			}
			result := elsewhere.Run(t, "install", "-f", file).Want(t, 2)
			if !strings.Contains(result.Stderr, test.want) || test.token != "" && strings.Contains(result.Stderr, test.token) {
				t.Errorf("the message is %s\nwant it to say %q, and not the token", result.Stderr, test.want)
			}
			if hubs, err := elsewhere.Hubs(); err != nil || len(hubs) > 0 {
				t.Errorf("there are the hubs %v, %v: want none", hubs, err)
			}
		})
	}
	t.Run("a protected branch", func(t *testing.T) { testProtectedBranch(t, server, hub, good) })
	t.Run("an empty repository, and one that moves on", func(t *testing.T) { testMovedOn(t, server, requests, good) })
}

// write is a change that gives one file a content.
func write(name, content string) gitops.Change {
	return gitops.Change{Message: "Write " + name, Edit: func(files map[string][]byte) error {
		files[name] = []byte(content)
		return nil
	}}
}

func testProtectedBranch(t *testing.T, server *forge.Forge, address, token string) {
	server.Protect(t, "platform")
	repository := server.Open(address, token)
	if err := repository.CheckAccess(hubtest.Patient(t)); err != nil {
		t.Errorf("the access is refused: %v: want it known only from a push that the branch takes none", err)
	}
	_, err := repository.Change(hubtest.Patient(t), write("a", "1"))
	if rejected := new(gitops.RejectedError); !errors.As(err, &rejected) || !strings.Contains(err.Error(), "protected branch main") {
		t.Errorf("the error is %v: want one that names the protected branch main", err)
	}
	proposal := write("a", "1")
	proposal.Branch = "proposal"
	if _, err := repository.Change(hubtest.Patient(t), proposal); err != nil {
		t.Errorf("a commit on another branch is refused: %v", err)
	}
}

func testMovedOn(t *testing.T, server *forge.Forge, address, token string) {
	repository := server.Open(address, token)
	tries := 0
	change := write("mine", "1")
	edit := change.Edit
	change.Edit = func(files map[string][]byte) error {
		if tries++; tries == 1 {
			if _, err := repository.Change(hubtest.Patient(t), write("theirs", "1")); err != nil {
				return err
			}
		}
		return edit(files)
	}
	if _, err := repository.Change(hubtest.Patient(t), change); err != nil {
		t.Fatal(err)
	}
	checkout, err := repository.Checkout(hubtest.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(checkout.Files))
	if !slices.Equal(names, []string{"mine", "theirs"}) || tries != 2 {
		t.Errorf("the repository has %q after %d tries: want both changes after two", names, tries)
	}
}
