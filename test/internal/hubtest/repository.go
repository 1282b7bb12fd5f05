package hubtest

import (
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Repository is a clone of one of the hub's repositories, fetched over HTTPS with the token as a person would.
type Repository struct {
	*git.Repository
	auth *http.BasicAuth
	ca   []byte
}

// Clone fetches hub.git or requests.git with its whole history.
func (h *Hub) Clone(t testing.TB, name string) *Repository {
	t.Helper()
	outputs := h.Outputs(t)
	url := map[string]string{"hub": outputs.Repositories.Hub, "requests": outputs.Repositories.Requests}[name]
	r := &Repository{
		auth: &http.BasicAuth{
			Username: outputs.Repositories.Username, Password: strings.TrimSpace(ReadFile(t, outputs.Repositories.Credential)),
		},
		ca: []byte(ReadFile(t, outputs.CA)),
	}
	var err error
	r.Repository, err = git.CloneContext(Patient(t), memory.NewStorage(), memfs.New(), &git.CloneOptions{
		URL: url, Auth: r.auth, CABundle: r.ca,
	})
	if err != nil {
		t.Fatalf("cloning %s: %v", url, err)
	}
	return r
}

// ReadFile returns what a file holds.
func ReadFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Commits lists the messages of the commits, the newest first.
func (r *Repository) Commits(t testing.TB) []string {
	t.Helper()
	log, err := r.Log(&git.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	if err := log.ForEach(func(c *object.Commit) error {
		messages = append(messages, c.Message)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return messages
}

// Revision is the newest commit.
func (r *Repository) Revision(t testing.TB) string {
	t.Helper()
	head, err := r.Head()
	if err != nil {
		t.Fatal(err)
	}
	return head.Hash().String()
}

// Read returns a file of the newest commit.
func (r *Repository) Read(t testing.TB, name string) string {
	t.Helper()
	data, err := util.ReadFile(r.files(t), name)
	if err != nil {
		t.Fatalf("reading %s: %v", name, err)
	}
	return string(data)
}

func (r *Repository) files(t testing.TB) billy.Filesystem {
	t.Helper()
	worktree, err := r.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	return worktree.Filesystem
}

// Push commits files and pushes them, as a person would who knows nothing of backstack.
func (r *Repository) Push(t testing.TB, message string, files map[string]string) {
	t.Helper()
	worktree, err := r.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := worktree.Filesystem.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := util.WriteFile(worktree.Filesystem, name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := worktree.Add(name); err != nil {
			t.Fatal(err)
		}
	}
	person := &object.Signature{Name: "A person", Email: "person@example.com", When: time.Now()}
	if _, err := worktree.Commit(message, &git.CommitOptions{Author: person}); err != nil {
		t.Fatal(err)
	}
	if err := r.PushContext(Patient(t), &git.PushOptions{Auth: r.auth, CABundle: r.ca}); err != nil {
		t.Fatalf("pushing: %v", err)
	}
}

// Replace changes a text that a file has exactly once, and returns the file's new content.
func (r *Repository) Replace(t testing.TB, name, from, to string) string {
	t.Helper()
	content := r.Read(t, name)
	if strings.Count(content, from) != 1 {
		t.Fatalf("%s has %q %d times, want once", name, from, strings.Count(content, from))
	}
	return strings.Replace(content, from, to, 1)
}
