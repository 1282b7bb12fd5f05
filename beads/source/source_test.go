package source

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/back-stack/backstack/beads/artifact"
)

// example returns the files of a Bead.
func example() map[string][]byte {
	return map[string][]byte{
		"bead.yaml":               []byte("kind: Bead\n"),
		"composites/cluster.yaml": []byte("kind: Composition\n"),
	}
}

// mustFetch fetches what a person wrote.
func mustFetch(t *testing.T, text string, o Options) *Fetched {
	t.Helper()
	fetched, err := fetchText(t.Context(), text, o)
	if err != nil {
		t.Fatal(err)
	}
	return fetched
}

func fetchText(ctx context.Context, text string, o Options) (*Fetched, error) {
	ref, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return Fetch(ctx, ref, o)
}

// wantFetched compares all but the digest with want, and the digest with that of want's files.
func wantFetched(t *testing.T, got *Fetched, want Fetched) {
	t.Helper()
	if !maps.EqualFunc(got.Files, want.Files, bytes.Equal) {
		t.Errorf("files %v, want %v", slices.Sorted(maps.Keys(got.Files)), slices.Sorted(maps.Keys(want.Files)))
	}
	digest, err := artifact.Digest(want.Files)
	if err != nil {
		t.Fatal(err)
	}
	texts := func(f Fetched) []string { return []string{f.Source, f.Origin, f.Revision, f.Version, f.Digest} }
	want.Digest = digest
	if !slices.Equal(texts(*got), texts(want)) {
		t.Errorf("fetched %q,\nwant %q", texts(*got), texts(want))
	}
}

func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q, want %q in it", err, text)
		}
	}
}

func writeAll(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLibraryHasBeadsByName(t *testing.T) {
	library := fstest.MapFS{"README.md": {Data: []byte("x")}, "namespace/bead.yaml": {Data: []byte("x")}}
	for name, content := range example() {
		library["gke/"+name] = &fstest.MapFile{Data: content}
	}
	o := Options{Library: library}
	want := Fetched{Files: example(), Source: "library:gke", Origin: "library:gke"}
	wantFetched(t, mustFetch(t, "gke", o), want)
	wantFetched(t, mustFetch(t, "library:gke", o), want)
	_, err := fetchText(t.Context(), "gk", o)
	wantError(t, err, "the library has no Bead gk: want one of gke, namespace (did you mean gke?)", "write ./gk for")
	_, err = fetchText(t.Context(), "gke", Options{})
	wantError(t, err, "the library is empty")
}

func TestFoldersAreReadWithoutWhatIsGits(t *testing.T) {
	home := t.TempDir()
	writeAll(t, filepath.Join(home, "beads", "gke"), example())
	writeAll(t, filepath.Join(home, "beads", "gke"), map[string][]byte{".git/config": {}, ".gitignore": {}})
	want := Fetched{Files: example(), Source: "file:gke", Origin: "file:gke"}
	for _, path := range []string{"/beads/gke", "/beads/gke/", "/beads/../beads/gke/."} {
		wantFetched(t, mustFetch(t, home+path, Options{}), want)
		wantFetched(t, mustFetch(t, "~"+path, Options{Home: home}), want)
	}
	t.Chdir(filepath.Join(home, "beads", "gke"))
	for _, path := range []string{".", "../gke", "./"} {
		wantFetched(t, mustFetch(t, path, Options{}), want)
	}
}

func TestFoldersThatAreNoBeadsAreRefused(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, dir, map[string][]byte{
		"file":           []byte("x"),
		"large/x.yaml":   make([]byte, artifact.MaxFile+1),
		"linked/a.yaml":  []byte("x"),
		"empty/.hidden":  []byte("x"),
		"secret.example": []byte("x"),
	})
	if err := os.Symlink("../secret.example", filepath.Join(dir, "linked", "b.yaml")); err != nil {
		t.Fatal(err)
	}
	for path, message := range map[string]string{
		"/missing": "no such file", "/file": "it is no folder", "/large": "x.yaml has 1048577 bytes",
		"/linked": "b.yaml is a symbolic link", "/empty": "there are no files",
	} {
		_, err := fetchText(t.Context(), dir+path, Options{})
		wantError(t, err, "fetching "+dir+path, message)
	}
	_, err := fetchText(t.Context(), "~/gke", Options{})
	wantError(t, err, "the home folder is not known")
}

// packed returns the artifact of the example.
func packed(t *testing.T) *artifact.Package {
	t.Helper()
	p, err := artifact.Pack(example(), artifact.About{Name: "gke", Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFilesOfBeadPackageAreRead(t *testing.T) {
	dir := t.TempDir()
	if err := packed(t).WriteFile(filepath.Join(dir, "gke-0.1.0.tar")); err != nil {
		t.Fatal(err)
	}
	want := Fetched{Files: example(), Source: "file:gke-0.1.0.tar", Origin: "file:gke-0.1.0.tar", Version: "0.1.0"}
	wantFetched(t, mustFetch(t, dir+"/gke-0.1.0.tar", Options{}), want)
	wantFetched(t, mustFetch(t, "~/gke-0.1.0.tar", Options{Home: dir}), want)
	t.Chdir(dir)
	wantFetched(t, mustFetch(t, "gke-0.1.0.tar", Options{}), want)
	writeAll(t, dir, map[string][]byte{"broken.tar": []byte(strings.Repeat("x", 1024))})
	_, err := fetchText(t.Context(), "broken.tar", Options{})
	wantError(t, err, "broken.tar", "want a file made by bead package")
}

func TestRegistriesArePinnedByDigest(t *testing.T) {
	repo := serve(t, handler())
	mustPush(t, repo, packed(t))
	digest := packed(t).Digest()
	want := Fetched{Files: example(), Source: repo + "@" + digest, Revision: digest, Version: "0.1.0"}
	for _, text := range []string{repo, repo + ":0.1.0", want.Source} {
		want.Origin = text
		wantFetched(t, mustFetch(t, text, Options{}), want)
	}
	_, err := fetchText(t.Context(), repo+":0.2.0", Options{})
	wantError(t, err, repo+":0.2.0", "not found")
	_, err = fetchText(t.Context(), repo+":0.1.0", Options{PublicKey: []byte("x")})
	wantError(t, err, "verifying "+repo+":0.1.0", "public key")
}

func TestTheSameFilesHaveTheSameDigestFromEverywhere(t *testing.T) {
	dir := t.TempDir()
	writeAll(t, filepath.Join(dir, "gke"), example())
	if err := packed(t).WriteFile(filepath.Join(dir, "gke.tar")); err != nil {
		t.Fatal(err)
	}
	folder, file := mustFetch(t, dir+"/gke", Options{}), mustFetch(t, dir+"/gke.tar", Options{})
	if folder.Digest != file.Digest || file.Digest != packed(t).LayerDigest() {
		t.Errorf("digests %s, %s, %s, want one", folder.Digest, file.Digest, packed(t).LayerDigest())
	}
}
