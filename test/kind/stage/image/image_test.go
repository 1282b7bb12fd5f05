package image_test

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/klauspost/compress/zstd"

	"github.com/back-stack/backstack/test/kind/stage/image"
)

func TestStoredImageIsWhole(t *testing.T) {
	store := newStore(t)
	more := newLayer(t, store, []image.File{{Path: "more", Data: []byte("more")}})
	layers := []v1.Layer{newLayer(t, store, files(t)), more}
	if err := store.Add(image.Spec{
		Name: "example.com/a/b:v1", Layers: layers, Config: v1.Config{Entrypoint: []string{"/b"}, User: "65532"},
		Annotations: map[int]map[string]string{1: {"key": "value"}},
	}); err != nil {
		t.Fatal(err)
	}
	got, err := store.Image("example.com/a/b:v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got, validate.Fast); err != nil {
		t.Error(err)
	}
	config, err := got.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.OS != "linux" || config.Architecture == "" || config.Config.User != "65532" ||
		len(config.RootFS.DiffIDs) != 2 {
		t.Errorf("the configuration is %+v", config)
	}
	manifest, err := got.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if a := manifest.Layers[1].Annotations; a["key"] != "value" || len(manifest.Layers[0].Annotations) != 0 {
		t.Errorf("the layers are %+v", manifest.Layers)
	}
}

func TestLayerHoldsFilesAsTheyWereGiven(t *testing.T) {
	store := newStore(t)
	content, err := newLayer(t, store, files(t)).Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	plain, err := zstd.NewReader(content)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	type entry struct {
		kind  byte
		mode  int64
		owner int
		link  string
		data  string
	}
	want := map[string]entry{
		"bin/program": {tar.TypeReg, 0o755, 0, "", "program"},
		"bin/name":    {tar.TypeSymlink, 0o777, 0, "/bin/program", ""},
		"tmp/":        {tar.TypeDir, 0o1777, 0, "", ""},
		"home/":       {tar.TypeDir, 0o700, 999, "", ""},
		"etc/words":   {tar.TypeReg, 0o644, 0, "", "words"},
	}
	archive := tar.NewReader(plain)
	for {
		h, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if got := (entry{h.Typeflag, h.Mode, h.Uid, h.Linkname, string(data)}); got != want[h.Name] || h.Gid != h.Uid {
			t.Errorf("%s is %+v: want %+v", h.Name, got, want[h.Name])
		}
		delete(want, h.Name)
	}
	if len(want) > 0 {
		t.Errorf("not there: %v", want)
	}
}

func TestTheSameFilesMakeTheSameLayer(t *testing.T) {
	first, err := newLayer(t, newStore(t), files(t)).Digest()
	if err != nil {
		t.Fatal(err)
	}
	second, err := newLayer(t, newStore(t), files(t)).Digest()
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("%s and %s", first, second)
	}
}

func TestNamesAreThoseOfContainerd(t *testing.T) {
	store := newStore(t)
	layer := newLayer(t, store, files(t))
	for _, name := range []string{"docker.io/traefik:v3", "hello/there:1", "ghcr.io/a/b:c"} {
		if err := store.Add(image.Spec{Name: name, Layers: []v1.Layer{layer}}); err != nil {
			t.Fatal(err)
		}
	}
	names, err := store.Names()
	want := []string{"docker.io/hello/there:1", "docker.io/library/traefik:v3", "ghcr.io/a/b:c"}
	if err != nil || !slices.Equal(names, want) {
		t.Errorf("got %q, %v: want %q", names, err, want)
	}
	if _, err := store.Image("ghcr.io/a/b:d"); err == nil {
		t.Error("an image was found that is not there")
	}
}

func TestCreatingAStoreRemovesTheOneBefore(t *testing.T) {
	dir := t.TempDir()
	store := mustCreate(t, dir)
	newLayer(t, store, files(t))
	if left, err := os.ReadDir(mustCreate(t, dir).Blobs()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func files(t *testing.T) []image.File {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("program"), 0o700); err != nil {
		t.Fatal(err)
	}
	return []image.File{
		{Path: "bin/program", Mode: 0o755, Source: program},
		{Path: "bin/name", Link: "/bin/program"},
		{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "home", Mode: fs.ModeDir | 0o700, Owner: 999},
		{Path: "etc/words", Mode: 0o644, Data: []byte("words")},
	}
}

func newStore(t *testing.T) image.Store {
	t.Helper()
	return mustCreate(t, t.TempDir())
}

func mustCreate(t *testing.T, dir string) image.Store {
	t.Helper()
	store, err := image.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newLayer(t *testing.T, store image.Store, files []image.File) v1.Layer {
	t.Helper()
	layer, err := store.Layer(files)
	if err != nil {
		t.Fatal(err)
	}
	return layer
}
