package source

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	registries "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"

	"github.com/back-stack/backstack/beads/artifact"
)

// sign signs an artifact as cosign does.
func sign(t *testing.T, key *ecdsa.PrivateKey, signed artifact.Reference) {
	t.Helper()
	digest := signed.Reference.Reference
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},`+
		`"type":"cosign container image signature"},"optional":null}`, digest)
	sum := sha256.Sum256(payload)
	signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	oci := mutate.MediaType(empty.Image, "application/vnd.oci.image.manifest.v1+json")
	image, err := mutate.Append(oci, mutate.Addendum{
		Layer:       static.NewLayer(payload, "application/vnd.dev.cosign.simplesigning.v1+json"),
		Annotations: map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(signature)},
	})
	if err != nil {
		t.Fatal(err)
	}
	suffix := strings.Replace(digest, ":", "-", 1) + ".sig"
	tag, err := name.NewTag(signed.Registry + "/" + signed.Repository + ":" + suffix)
	if err != nil {
		t.Fatal(err)
	}
	if err := registries.Write(tag, image); err != nil {
		t.Fatal(err)
	}
}

// newKey returns a key and its cosign.pub.
func newKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// serve starts a registry and returns the reference to a repository in it.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return artifact.Scheme + server.Listener.Addr().String() + "/beads/gke"
}

func handler() http.Handler { return registry.New(registry.Logger(log.New(io.Discard, "", 0))) }

func mustPush(t *testing.T, ref string, p *artifact.Package) artifact.Reference {
	t.Helper()
	pushed, err := artifact.Push(t.Context(), ref, p, artifact.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

func TestArtifactsHaveToBeSignedWhereAKeyIsGiven(t *testing.T) {
	key, public := newKey(t)
	_, another := newKey(t)
	repo := serve(t, handler())
	pushed := mustPush(t, repo, packed(t))
	_, err := fetchText(t.Context(), repo, Options{PublicKey: public})
	wantError(t, err, "it is not signed")
	sign(t, key, pushed)
	wantFetched(t, mustFetch(t, repo, Options{PublicKey: public}), Fetched{
		Files: example(), Source: pushed.String(), Origin: repo, Revision: packed(t).Digest(), Version: "0.1.0",
	})
	_, err = fetchText(t.Context(), repo, Options{PublicKey: another})
	wantError(t, err, "not made with the key")
}

// Whoever can move a tag could do so between the two requests.
func TestWhatIsPulledIsWhatWasVerified(t *testing.T) {
	key, public := newKey(t)
	full := handler()
	moved := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			r.URL.Path = strings.Replace(r.URL.Path, "/manifests/stable", "/manifests/evil", 1)
		}
		full.ServeHTTP(w, r)
	})
	repo := serve(t, moved)
	sign(t, key, mustPush(t, repo+":stable", packed(t)))
	evil, err := artifact.Pack(at("evil"), artifact.About{Name: "gke", Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	mustPush(t, repo+":evil", evil)
	if fetched := mustFetch(t, repo+":stable", Options{PublicKey: public}); fetched.Revision != packed(t).Digest() {
		t.Errorf("fetched %s, want what was signed, %s", fetched.Revision, packed(t).Digest())
	}
}

func TestFetchingEndsWithTheContext(t *testing.T) {
	repo := serve(t, handler())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, text := range []string{repo, "git::http" + strings.TrimPrefix(repo, "oci")} {
		if _, err := fetchText(ctx, text, Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want that it was cancelled", text, err)
		}
	}
}
