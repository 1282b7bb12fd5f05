//go:build e2e

package kind

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// clone is a clone of one of a hub's repositories, made by git through the ingress as a person would.
type clone struct{ dir, ca, user, token string }

func cloneOf(t testing.TB, hub *hubtest.Hub, name string) *clone {
	t.Helper()
	outputs := hub.Outputs(t)
	c := &clone{
		dir: filepath.Join(t.TempDir(), name), ca: outputs.CA, user: outputs.Repositories.Username,
		token: strings.TrimSpace(hubtest.ReadFile(t, outputs.Repositories.Credential)),
	}
	url := map[string]string{"hub": outputs.Repositories.Hub, "requests": outputs.Repositories.Requests}[name]
	c.git(t, "", "clone", "--quiet", url, c.dir)
	return c
}

// git runs git, which gets the credential as a helper would give it.
func (c *clone) git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("git", append([]string{
		"-c", "http.sslCAInfo=" + c.ca, "-c", "user.name=A person", "-c", "user.email=person@example.com",
		"-c", `credential.helper=!f() { echo "username=$GIT_USER"; echo "password=$GIT_TOKEN"; }; f`,
	}, args...)...)
	command.Dir = dir
	command.Env = append(slices.DeleteFunc(os.Environ(), func(entry string) bool {
		return strings.HasPrefix(entry, "GIT_SSL_CAINFO=") // it would be asked before the argument
	}), "GIT_USER="+c.user, "GIT_TOKEN="+c.token, "GIT_TERMINAL_PROMPT=0")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// replace changes a text that a file has exactly once.
func (c *clone) replace(t testing.TB, name, from, to string) {
	t.Helper()
	path := filepath.Join(c.dir, name)
	content := hubtest.ReadFile(t, path)
	if strings.Count(content, from) != 1 {
		t.Fatalf("%s has %q %d times, want once", name, from, strings.Count(content, from))
	}
	c.write(t, name, strings.Replace(content, from, to, 1))
}

func (c *clone) write(t testing.TB, name, content string) {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// push commits everything that was changed and pushes it.
func (c *clone) push(t testing.TB, message string) {
	t.Helper()
	c.git(t, c.dir, "pull", "--quiet", "--rebase", "--autostash")
	c.git(t, c.dir, "add", "--all")
	c.git(t, c.dir, "commit", "--quiet", "--message", message)
	c.git(t, c.dir, "push", "--quiet")
}

// commits lists the subjects of all commits.
func (c *clone) commits(t testing.TB) []string {
	t.Helper()
	return strings.Split(c.git(t, c.dir, "log", "--format=%s"), "\n")
}
