package source

import (
	"bytes"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// upstream is a repository with two commits, each with another version of the Bead in the folder beads/gke.
type upstream struct {
	*git.Repository
	dir           string
	first, second plumbing.Hash
}

// newUpstream makes one on the branch main, with the tags v1 (annotated) and light at the first commit, and the branch
// old there too.
func newUpstream(t *testing.T) upstream {
	t.Helper()
	u := upstream{dir: filepath.Join(t.TempDir(), "beads.git")}
	var err error
	u.Repository, err = git.PlainInitWithOptions(u.dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: "refs/heads/main"},
	})
	if err != nil {
		t.Fatal(err)
	}
	u.first = u.commit(t, "beads/gke", at("first"))
	if _, err := u.CreateTag("v1", u.first, &git.CreateTagOptions{Tagger: author(), Message: "v1"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []plumbing.ReferenceName{"refs/tags/light", "refs/heads/old/one"} {
		if err := u.Storer.SetReference(plumbing.NewHashReference(name, u.first)); err != nil {
			t.Fatal(err)
		}
	}
	u.commit(t, "beads/gke", at("between"))
	u.second = u.commit(t, "beads/gke", at("second"))
	return u
}

// at is the Bead of the example at a version.
func at(version string) map[string][]byte {
	files := example()
	files["version"] = []byte(version)
	return files
}

func author() *object.Signature {
	return &object.Signature{Name: "Alice", Email: "alice@example.com", When: time.Unix(1, 0)}
}

// commit writes files below a folder and commits everything.
func (u upstream) commit(t *testing.T, folder string, files map[string][]byte) plumbing.Hash {
	t.Helper()
	writeAll(t, filepath.Join(u.dir, folder), files)
	worktree, err := u.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := worktree.AddWithOptions(&git.AddOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	hash, err := worktree.Commit("commit", &git.CommitOptions{Author: author()})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// wantRevisions fetches from url by every way to name a revision.
func (u upstream) wantRevisions(t *testing.T, url string, o Options) {
	t.Helper()
	for revision, want := range map[string]plumbing.Hash{
		"": u.second, "@main": u.second, "@refs/heads/main": u.second, "@" + u.second.String(): u.second,
		"@v1": u.first, "@refs/tags/v1": u.first, "@light": u.first, "@old/one": u.first, "@" + u.first.String(): u.first,
	} {
		version := map[plumbing.Hash]string{u.first: "first", u.second: "second"}[want]
		text := "git::" + url + "//beads/gke"
		wantFetched(t, mustFetch(t, text+revision, o), Fetched{
			Files: at(version), Source: text + "@" + want.String(), Origin: text + revision, Revision: want.String(),
		})
	}
}

func TestRepositoriesOnThisMachineAreReadWhereTheyAre(t *testing.T) {
	u := newUpstream(t)
	writeAll(t, filepath.Join(u.dir, "beads/gke"), map[string][]byte{"version": []byte("not committed")})
	u.wantRevisions(t, "file://"+u.dir, Options{})
	if _, err := git.PlainClone(u.dir+"-bare", true, &git.CloneOptions{URL: u.dir, Mirror: true}); err != nil {
		t.Fatal(err)
	}
	u.wantRevisions(t, "file://"+u.dir+"-bare", Options{})
}

func TestRootOfARepositoryCanBeABead(t *testing.T) {
	u := newUpstream(t)
	u.commit(t, ".", map[string][]byte{".github/x": []byte("x"), ".gitignore": []byte("x")})
	fetched := mustFetch(t, "git::file://"+u.dir, Options{})
	if len(fetched.Files) != 3 || string(fetched.Files["beads/gke/version"]) != "second" {
		t.Errorf("files %v, want what is in the repository without what begins with a dot", fetched.Files)
	}
}

// server serves repositories with Git's own program, and keeps what it was asked.
type server struct {
	URL string
	CA  []byte

	mutex    sync.Mutex
	requests []string // bodies
	users    []string
	secrets  []string // headers that tell who asks
}

// serveGit serves the repositories of a folder over HTTPS. A password makes it ask for alice and that.
func serveGit(t *testing.T, dir, password string) *server {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Stderr: io.Discard, Env: []string{
		"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
	}}
	s := &server{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, given, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		s.mutex.Lock()
		s.requests, s.users = append(s.requests, string(body)), append(s.users, user)
		s.secrets = append(s.secrets, r.Header.Get("Authorization"))
		s.mutex.Unlock()
		if password != "" && (user != "alice" || given != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		backend.ServeHTTP(w, r)
	})
	started := httptest.NewUnstartedServer(handler)
	started.Config.ErrorLog = log.New(io.Discard, "", 0)
	started.StartTLS()
	t.Cleanup(started.Close)
	s.URL = started.URL
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: started.Certificate().Raw})
	return s
}

// asked says whether text was in a request.
func (s *server) asked(text string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return strings.Contains(strings.Join(s.requests, "\n"), text)
}

func TestRepositoriesAreReadOverHTTPS(t *testing.T) {
	u := newUpstream(t)
	s := serveGit(t, filepath.Dir(u.dir), "")
	u.wantRevisions(t, s.URL+"/beads.git/.git", Options{CA: s.CA})
	_, err := fetchText(t.Context(), "git::"+s.URL+"/beads.git/.git", Options{})
	wantError(t, err, "reading the repository", "certificate")
	_, err = fetchText(t.Context(), "git::"+s.URL+"/missing.git", Options{CA: s.CA})
	wantError(t, err, "reading the repository", "not found")
}

func TestHistoryIsNotFetched(t *testing.T) {
	u := newUpstream(t)
	s := serveGit(t, filepath.Dir(u.dir), "")
	mustFetch(t, "git::"+s.URL+"/beads.git/.git//beads/gke@main", Options{CA: s.CA})
	if !s.asked("deepen 1") {
		t.Error("the whole history was asked for")
	}
}

func TestCommitsWithoutANameAreFound(t *testing.T) {
	u := newUpstream(t)
	commit, err := u.CommitObject(u.second)
	if err != nil {
		t.Fatal(err)
	}
	between := commit.ParentHashes[0].String()
	s := serveGit(t, filepath.Dir(u.dir), "")
	text := "git::" + s.URL + "/beads.git/.git//beads/gke@" + between
	want := Fetched{Files: at("between"), Source: text, Origin: text, Revision: between}
	wantFetched(t, mustFetch(t, text, Options{CA: s.CA}), want)
	if s.asked("deepen 1") {
		t.Error("the history was left out, in which the commit is")
	}
	config := "[core]\n\tbare = false\n[uploadpack]\n\tallowReachableSHA1InWant = true\n"
	if err := os.WriteFile(filepath.Join(u.dir, ".git", "config"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	wantFetched(t, mustFetch(t, text, Options{CA: s.CA}), want)
	if !s.asked("deepen 1") {
		t.Error("the whole history was asked for, of a server that gives out any commit")
	}
}

func TestPinnedSourceSurvivesTheBranch(t *testing.T) {
	u := newUpstream(t)
	s := serveGit(t, filepath.Dir(u.dir), "")
	before := mustFetch(t, "git::"+s.URL+"/beads.git/.git//beads/gke@main", Options{CA: s.CA})
	u.commit(t, "beads/gke", at("third"))
	again, latest := mustFetch(t, before.Source, Options{CA: s.CA}), mustFetch(t, before.Origin, Options{CA: s.CA})
	if again.Digest != before.Digest || string(latest.Files["version"]) != "third" {
		t.Errorf("again %s, want %s; latest %s, want third", again.Digest, before.Digest, latest.Files["version"])
	}
}

func TestRevisionsThatAreNotThereAreNamed(t *testing.T) {
	u := newUpstream(t)
	if err := u.Storer.SetReference(plumbing.NewHashReference("refs/tags/main", u.first)); err != nil {
		t.Fatal(err)
	}
	s := serveGit(t, filepath.Dir(u.dir), "")
	for revision, message := range map[string]string{
		"//beads/gke@mian":                          "there is no branch or tag mian: did you mean main?",
		"//beads/gke@entirely-else":                 "there is no branch or tag entirely-else: want one that was pushed",
		"//beads/gke@main":                          "main is a branch and a tag: want refs/heads/main or refs/tags/main",
		"//beads/gke@" + u.first.String()[:8]:       "want all 40 digits",
		"//beads/gke@" + strings.Repeat("0123", 10): "has no commit " + strings.Repeat("0123", 10),
		"//beads/eks@v1":                            "commit " + u.first.String() + " has no folder beads/eks",
		"//beads/gke/version@v1":                    "has no folder beads/gke/version",
		"//beads/gke@refs/heads/other":              "there is no branch or tag refs/heads/other",
	} {
		for _, url := range []string{"file://" + u.dir, s.URL + "/beads.git/.git"} {
			_, err := fetchText(t.Context(), "git::"+url+revision, Options{CA: s.CA})
			wantError(t, err, "fetching git::"+url+revision, message)
		}
	}
	_, err := fetchText(t.Context(), "git::file://"+t.TempDir(), Options{})
	wantError(t, err, "opening the repository")
}

func TestEmptyRepositoryHasNoDefaultBranch(t *testing.T) {
	dir := t.TempDir()
	if _, err := git.PlainInit(dir, true); err != nil {
		t.Fatal(err)
	}
	_, err := fetchText(t.Context(), "git::file://"+dir, Options{})
	wantError(t, err, "no default branch, or nothing in it")
}

func TestLinksInARepositoryAreRefused(t *testing.T) {
	u := newUpstream(t)
	if err := os.Symlink("/etc/passwd", filepath.Join(u.dir, "beads/gke/link.yaml")); err != nil {
		t.Fatal(err)
	}
	u.commit(t, "beads/gke", map[string][]byte{"large.yaml": make([]byte, 1<<20+1)})
	_, err := fetchText(t.Context(), "git::file://"+u.dir+"//beads/gke", Options{})
	wantError(t, err, "link.yaml is a symbolic link", "large.yaml has 1048577 bytes")
}

// A tree can be made by hand with entries that no file system has.
func TestTreesMadeByHandAreRefused(t *testing.T) {
	u := newUpstream(t)
	blob := u.store(t, plumbing.BlobObject, func(o plumbing.EncodedObject) error {
		w, err := o.Writer()
		if err == nil {
			_, err = w.Write([]byte("x"))
		}
		return err
	})
	empty := u.store(t, plumbing.TreeObject, (&object.Tree{}).Encode)
	cases := map[string]struct {
		entry   object.TreeEntry
		message string
	}{
		"a folder above": {object.TreeEntry{Name: "..", Mode: filemode.Dir, Hash: empty}, `an entry ".."`},
		"a file above":   {object.TreeEntry{Name: "../x", Mode: filemode.Regular, Hash: blob}, `an entry "../x"`},
		"a path":         {object.TreeEntry{Name: "a/b", Mode: filemode.Regular, Hash: blob}, `an entry "a/b"`},
		"a submodule":    {object.TreeEntry{Name: "sub", Mode: filemode.Submodule, Hash: u.first}, "sub is no regular file"},
		"a backslash":    {object.TreeEntry{Name: `a\b`, Mode: filemode.Regular, Hash: blob}, "has a backslash"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			tree := u.store(t, plumbing.TreeObject, (&object.Tree{Entries: []object.TreeEntry{tc.entry}}).Encode)
			commit := u.commitOf(t, tree)
			_, err := fetchText(t.Context(), "git::file://"+u.dir+"@"+commit.String(), Options{})
			wantError(t, err, tc.message)
		})
	}
}

// Trees that hold each other's likes have as many paths as one wants, in a few objects.
func TestTreesThatMultiplyAreRefused(t *testing.T) {
	u := newUpstream(t)
	tree := u.store(t, plumbing.TreeObject, (&object.Tree{}).Encode)
	for range 12 {
		var level object.Tree
		for _, name := range strings.Split("abcdefghij", "") {
			level.Entries = append(level.Entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: tree})
		}
		tree = u.store(t, plumbing.TreeObject, level.Encode)
	}
	commit := u.commitOf(t, tree)
	_, err := fetchText(t.Context(), "git::file://"+u.dir+"@"+commit.String(), Options{})
	wantError(t, err, "is one folder too many, want at most 2000")
}

// encoder writes an object.
type encoder func(plumbing.EncodedObject) error

// commitOf adds a commit of a tree to the repository.
func (u upstream) commitOf(t *testing.T, tree plumbing.Hash) plumbing.Hash {
	t.Helper()
	commit := &object.Commit{Author: *author(), Committer: *author(), TreeHash: tree}
	return u.store(t, plumbing.CommitObject, commit.Encode)
}

// store adds an object to the repository.
func (u upstream) store(t *testing.T, kind plumbing.ObjectType, encode encoder) plumbing.Hash {
	t.Helper()
	o := u.Storer.NewEncodedObject()
	o.SetType(kind)
	if err := encode(o); err != nil {
		t.Fatal(err)
	}
	hash, err := u.Storer.SetEncodedObject(o)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}
