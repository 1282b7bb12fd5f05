package registry_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/back-stack/backstack/test/kind/stage/image"
	"github.com/back-stack/backstack/test/kind/stage/registry"
)

func TestPushedImageCanBePulledByWhoKnowsThePassword(t *testing.T) {
	r := start(t)
	pushed, err := random.Image(1<<10, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Push(t.Context(), "a/b:v1", pushed); err != nil {
		t.Fatal(err)
	}
	got, err := pull(t, r, "a/b:v1", r.Password)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	for _, password := range []string{"", "wrong"} {
		if _, err := pull(t, r, "a/b:v1", password); err == nil {
			t.Errorf("it was pulled with the password %q", password)
		}
	}
	if pulled := r.Pulled(); !slices.Equal(pulled, []string{"a/b:v1"}) {
		t.Errorf("pulled were %q", pulled)
	}
}

func TestContentsInOtherFoldersAreServed(t *testing.T) {
	store, err := image.Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	layer, err := store.Layer([]image.File{{Path: "file", Mode: 0o644, Data: []byte("content")}})
	if err != nil {
		t.Fatal(err)
	}
	digest, err := layer.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Add(image.Spec{Name: "example.com/a:v1", Layers: []v1.Layer{layer}}); err != nil {
		t.Fatal(err)
	}
	stored, err := store.Image("example.com/a:v1")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r, err := registry.Start(dir, "127.0.0.1", store.Blobs())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Push(t.Context(), "a:v1", stored); err != nil {
		t.Fatal(err)
	}
	got, err := pull(t, r, "a:v1", r.Password)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got, validate.Fast); err != nil {
		t.Error(err)
	}
	layers, err := got.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	if got, _, err := v1.SHA256(content); err != nil || got != digest {
		t.Errorf("the layer is %s, %v: want %s", got, err, digest)
	}
	if copied, err := os.ReadDir(filepath.Join(dir, "blobs")); err != nil || len(copied) > 0 {
		t.Errorf("copied: %v, %v", copied, err)
	}
}

func start(t *testing.T) *registry.Registry {
	t.Helper()
	r, err := registry.Start(t.TempDir(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func pull(t *testing.T, r *registry.Registry, image, password string) (v1.Image, error) {
	t.Helper()
	ref, err := name.ParseReference(r.Host + "/" + image)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(r.CA)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	return remote.Image(ref, remote.WithContext(t.Context()), remote.WithTransport(transport),
		remote.WithAuth(&authn.Basic{Username: registry.Username, Password: password}))
}
