package artifact

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// claim is what cosign signs for an artifact.
func claim(digest string) []byte {
	return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},`+
		`"type":"cosign container image signature"},"optional":null}`, digest)
}

// signature is one as cosign stores it.
func signature(t *testing.T, key crypto.Signer, data []byte) (blob, string) {
	t.Helper()
	digest := sha256.Sum256(data)
	toSign, hash := digest[:], crypto.SHA256
	if _, ok := key.(ed25519.PrivateKey); ok {
		toSign, hash = data, crypto.Hash(0)
	}
	made, err := key.Sign(rand.Reader, toSign, hash)
	if err != nil {
		t.Fatal(err)
	}
	return newBlob(payloadType, data), base64.StdEncoding.EncodeToString(made)
}

// attach puts a signature where cosign puts it: at a tag, or as a referrer of subject if that is given.
func attach(t *testing.T, artifact Reference, data blob, made string, subject *ocispec.Descriptor) {
	t.Helper()
	repo, err := repository(t.Context(), artifact, Options{})
	if err != nil {
		t.Fatal(err)
	}
	config := newBlob(ocispec.MediaTypeImageConfig, []byte("{}"))
	layer := data.Descriptor
	layer.Annotations = map[string]string{"dev.cosignproject.cosign/signature": made}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config.Descriptor, Layers: []ocispec.Descriptor{layer},
	}
	tag := "sha256-" + strings.TrimPrefix(artifact.Reference.Reference, "sha256:") + ".sig"
	if subject != nil {
		config.MediaType = "application/vnd.dev.cosign.artifact.sig.v1+json"
		manifest.Config, manifest.Subject, tag = config.Descriptor, subject, "any"
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	stored := newBlob(ocispec.MediaTypeImageManifest, text)
	for _, b := range []blob{config, data} {
		if err := repo.Blobs().Push(t.Context(), b.Descriptor, bytes.NewReader(b.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := repo.PushReference(t.Context(), stored.Descriptor, bytes.NewReader(text), tag); err != nil {
		t.Fatal(err)
	}
}

func keys(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rivest, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ECDSA": elliptic, "Ed25519": edwards, "RSA": rivest}
}

// public returns a cosign.pub.
func public(t *testing.T, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestSignaturesOfCosignAreVerified(t *testing.T) {
	for name, key := range keys(t) {
		t.Run(name, func(t *testing.T) {
			repo := serve(t, handler())
			pushed := mustPush(t, repo, packed(t), Options{})
			data, made := signature(t, key, claim(packed(t).Digest()))
			attach(t, pushed, data, made, nil)
			for _, ref := range []string{repo + ":0.1.0", repo, pushed.String()} {
				verified, err := Verify(t.Context(), ref, public(t, key), Options{})
				if err != nil || verified != pushed {
					t.Errorf("%s: verified %s, error %v, want %s", ref, verified, err, pushed)
				}
			}
		})
	}
}

func TestSignaturesAmongTheReferrersAreFound(t *testing.T) {
	key, other := keys(t)["ECDSA"], keys(t)["ECDSA"]
	repo := serve(t, handler())
	pushed := mustPush(t, repo, packed(t), Options{})
	somebodys, made := signature(t, other, claim(packed(t).Digest()))
	attach(t, pushed, somebodys, made, nil)
	data, made := signature(t, key, claim(packed(t).Digest()))
	attach(t, pushed, data, made, &ocispec.Descriptor{
		MediaType: ocispec.MediaTypeImageManifest, Digest: packed(t).manifest.Digest, Size: packed(t).manifest.Size,
	})
	if verified, err := Verify(t.Context(), repo+":0.1.0", public(t, key), Options{}); err != nil || verified != pushed {
		t.Errorf("verified %s, error %v, want %s", verified, err, pushed)
	}
}

func TestVerifyRefuses(t *testing.T) {
	key, other := keys(t)["ECDSA"], keys(t)["ECDSA"]
	digest := packed(t).Digest()
	another := strings.Replace(claimText(digest), "cosign container image signature", "atomic container signature", 1)
	cases := []struct {
		name    string
		signed  []byte // nil: nothing
		stored  []byte // nil: what was signed
		made    string // empty: the signature
		key     []byte
		message string
	}{
		{name: "what is not signed", key: public(t, key), message: "it is not signed"},
		{name: "the signature of another key", signed: claim(digest), key: public(t, other),
			message: "not made with the key"},
		{name: "the signature of another kind of key", signed: claim(digest), key: public(t, keys(t)["RSA"]),
			message: "not made with the key"},
		{name: "the signature of another artifact", signed: claim(version(t, "9.9.9").Digest()), key: public(t, key),
			message: "it is for " + version(t, "9.9.9").Digest()},
		{name: "a claim that was not signed", signed: claim("sha256:00"), stored: claim(digest), key: public(t, key),
			message: "not made with the key"},
		{name: "another kind of claim", signed: []byte(another), key: public(t, key),
			message: `"atomic container signature"`},
		{name: "a claim that is no JSON", signed: []byte("x"), key: public(t, key), message: "no JSON"},
		{name: "no base64", signed: claim(digest), made: "!", key: public(t, key), message: "no base64"},
		{name: "a key that is none", key: []byte("x"), message: `want the PEM block "PUBLIC KEY"`},
		{name: "a private key", key: pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY"}),
			message: `want the PEM block "PUBLIC KEY"`},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			repo := serve(t, handler())
			pushed := mustPush(t, repo, packed(t), Options{})
			if tc.signed != nil {
				data, made := signature(t, key, tc.signed)
				if tc.stored != nil {
					data = newBlob(payloadType, tc.stored)
				}
				if tc.made != "" {
					made = tc.made
				}
				attach(t, pushed, data, made, nil)
			}
			verified, err := Verify(t.Context(), repo+":0.1.0", tc.key, Options{})
			wantError(t, err, "verifying "+repo+":0.1.0: ", tc.message)
			if verified != (Reference{}) {
				t.Errorf("verified %s beside the error", verified)
			}
		})
	}
}

func claimText(digest string) string { return string(claim(digest)) }

func TestVerifyWorksWhereTheRegistryKnowsNoReferrers(t *testing.T) {
	full := handler()
	old := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/referrers/") {
			http.NotFound(w, r)
			return
		}
		full.ServeHTTP(w, r)
	})
	key := keys(t)["ECDSA"]
	repo := serve(t, old)
	pushed := mustPush(t, repo, packed(t), Options{})
	_, err := Verify(t.Context(), repo+":0.1.0", public(t, key), Options{})
	wantError(t, err, "it is not signed")
	data, made := signature(t, key, claim(packed(t).Digest()))
	attach(t, pushed, data, made, nil)
	if _, err := Verify(t.Context(), repo+":0.1.0", public(t, key), Options{}); err != nil {
		t.Error(err)
	}
}
