package artifact

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// handler returns a registry.
func handler() http.Handler {
	return registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
}

// serve starts a registry on this machine without TLS and returns the reference to a repository in it. There are no
// credentials but those that the test puts into $DOCKER_CONFIG.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return Scheme + server.Listener.Addr().String() + "/beads/gke"
}

// serveTLS does the same with TLS.
func serveTLS(t *testing.T, h http.Handler) (string, Options) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return Scheme + server.Listener.Addr().String() + "/beads/gke", Options{CA: ca}
}

func mustPush(t *testing.T, ref string, p *Package, o Options) Reference {
	t.Helper()
	pushed, err := Push(t.Context(), ref, p, o)
	if err != nil {
		t.Fatal(err)
	}
	return pushed
}

// wantPulled pulls ref and compares it with p.
func wantPulled(t *testing.T, ref string, p *Package, o Options) {
	t.Helper()
	got, err := Pull(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, got.Files, p.Files)
	if got.Digest() != p.Digest() || got.About != p.About {
		t.Errorf("pulled %+v %s, want %+v %s", got.About, got.Digest(), p.About, p.Digest())
	}
}

// version returns the artifact of another version with other files.
func version(t *testing.T, number string) *Package {
	t.Helper()
	files, a := example(), about()
	files["bead.yaml"], a.Version = []byte("version: "+number), number
	p, err := Pack(files, a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPulledIsWhatWasPushed(t *testing.T) {
	repo := serve(t, handler())
	pushed := mustPush(t, repo+":stable", packed(t), Options{})
	if want := repo + "@" + packed(t).Digest(); pushed.String() != want {
		t.Errorf("pushed %s, want %s", pushed, want)
	}
	for _, ref := range []string{repo + ":stable", pushed.String(), repo + ":dropped@" + packed(t).Digest()} {
		wantPulled(t, ref, packed(t), Options{})
	}
}

func TestPushTwiceIsNoError(t *testing.T) {
	repo := serve(t, handler())
	if first, second := mustPush(t, repo, packed(t), Options{}), mustPush(t, repo, packed(t), Options{}); first != second {
		t.Errorf("pushed %s, then %s", first, second)
	}
}

func TestWithoutTagTheVersionIsTheTag(t *testing.T) {
	repo := serve(t, handler())
	for _, number := range []string{"0.9.0", "0.10.0+gke.2", "0.11.0-rc.1", "0.2.0"} {
		mustPush(t, repo, version(t, number), Options{})
	}
	mustPush(t, repo+":nightly", packed(t), Options{})
	wantPulled(t, repo, version(t, "0.10.0+gke.2"), Options{})
	wantPulled(t, repo+":0.9.0", version(t, "0.9.0"), Options{})
	wantPulled(t, repo+":0.10.0_gke.2", version(t, "0.10.0+gke.2"), Options{})
}

func TestVersionsBeforeAReleaseCountWhereThereIsNoOther(t *testing.T) {
	repo := serve(t, handler())
	for _, number := range []string{"0.1.0-rc.2", "0.1.0-rc.10"} {
		mustPush(t, repo, version(t, number), Options{})
	}
	wantPulled(t, repo, version(t, "0.1.0-rc.10"), Options{})
}

func TestRepositoryWithoutVersionsNeedsATag(t *testing.T) {
	repo := serve(t, handler())
	mustPush(t, repo+":nightly", packed(t), Options{})
	_, err := Pull(t.Context(), repo, Options{})
	wantError(t, err, repo, "none of its tags is a version: want a tag or a digest")
}

func TestDigestStaysWhenTheTagMoves(t *testing.T) {
	repo := serve(t, handler())
	first := mustPush(t, repo+":stable", version(t, "1.0.0"), Options{})
	mustPush(t, repo+":stable", version(t, "2.0.0"), Options{})
	wantPulled(t, repo+":stable", version(t, "2.0.0"), Options{})
	wantPulled(t, first.String(), version(t, "1.0.0"), Options{})
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	repo := serve(t, handler())
	_, err := Pull(t.Context(), repo+":0.1.0", Options{})
	wantError(t, err, "pulling "+repo+":0.1.0", "not found", "want a repository, and a tag or digest in it, that exist")
}

// basic asks for a user and a password.
func basic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "alice" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// configure writes a Docker configuration for the registry of repo.
func configure(t *testing.T, repo, format string, args ...any) {
	t.Helper()
	host, _, _ := strings.Cut(strings.TrimPrefix(repo, Scheme), "/")
	config := strings.ReplaceAll(fmt.Sprintf(format, args...), "HOST", host)
	write(t, filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), config)
}

func TestCredentialsAreThoseOfTheDockerConfiguration(t *testing.T) {
	repo, o := serveTLS(t, basic(handler()))
	configure(t, repo, `{"auths":{"HOST":{"auth":%q}}}`, base64.StdEncoding.EncodeToString([]byte("alice:s3cret")))
	mustPush(t, repo, packed(t), o)
	wantPulled(t, repo, packed(t), o)
}

func TestCredentialHelpersAreAsked(t *testing.T) {
	repo, o := serveTLS(t, basic(handler()))
	bin := t.TempDir()
	helper := filepath.Join(bin, "docker-credential-example")
	write(t, helper, "#!/bin/sh\n"+`echo '{"Username":"alice","Secret":"s3cret"}'`+"\n")
	if err := os.Chmod(helper, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	configure(t, repo, `{"credHelpers":{"HOST":"example"}}`)
	mustPush(t, repo, packed(t), o)
	wantPulled(t, repo, packed(t), o)
}

func TestWithoutCredentialsItSaysHowToLogIn(t *testing.T) {
	repo, o := serveTLS(t, basic(handler()))
	_, err := Push(t.Context(), repo, packed(t), o)
	wantError(t, err, "pushing the Bead to "+repo+":0.1.0", "docker login 127.0.0.1:")
	configure(t, repo, `{"auths":{"HOST":{"auth":%q}}}`, base64.StdEncoding.EncodeToString([]byte("alice:wrong")))
	_, err = Pull(t.Context(), repo+":0.1.0", o)
	wantError(t, err, "pulling "+repo+":0.1.0", "docker login 127.0.0.1:")
	if strings.Contains(err.Error(), "wrong") {
		t.Errorf("error %q holds the password", err)
	}
}

func TestRegistriesAreAuthenticated(t *testing.T) {
	repo, o := serveTLS(t, handler())
	_, err := Push(t.Context(), repo, packed(t), Options{})
	wantError(t, err, repo, "certificate")
	mustPush(t, repo, packed(t), o)
	_, err = Pull(t.Context(), repo, Options{CA: anotherCA(t)})
	wantError(t, err, repo, "certificate")
	_, err = Pull(t.Context(), repo, Options{CA: []byte("no PEM")})
	wantError(t, err, repo, "want PEM")
}

// anotherCA is an authority that no registry here has its certificate from.
func anotherCA(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestPlainHTTPStaysOnThisMachine(t *testing.T) {
	elsewhere := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/manifests/") {
			http.Redirect(w, r, "http://registry.invalid/manifest", http.StatusTemporaryRedirect)
		}
	})
	repo, o := serveTLS(t, elsewhere)
	_, err := Pull(t.Context(), repo+":0.1.0", o)
	wantError(t, err, "refusing to ask registry.invalid over plain HTTP")
	if transport, _ := newTransport(nil); speaksPlainHTTP(t.Context(), "registry.invalid", transport) {
		t.Error("another machine's registry is asked over plain HTTP")
	}
}

// lying is a registry that serves other bytes for some requests.
func lying(honest http.Handler, about func(*http.Request) bool, lie func([]byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !about(r) {
			honest.ServeHTTP(w, r)
			return
		}
		recorder := httptest.NewRecorder()
		honest.ServeHTTP(recorder, r)
		data := lie(recorder.Body.Bytes())
		for key, values := range recorder.Header() {
			w.Header()[key] = values
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		w.WriteHeader(recorder.Code)
		_, _ = w.Write(data)
	})
}

func TestPullRefusesWhatARegistryChanged(t *testing.T) {
	at := func(text string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, text) }
	}
	p := packed(t)
	large := func([]byte) []byte { return []byte(`{"x":"` + strings.Repeat("x", maxManifest) + `"}`) }
	cases := []struct {
		name, ref string
		about     func(*http.Request) bool
		lie       func([]byte) []byte
		message   string
	}{
		{"the layer", ":0.1.0", at(p.LayerDigest()), flip, "the layer is not what its digest"},
		{"the config", ":0.1.0", at(p.config.Digest.String()), flip, "the config is not what its digest"},
		{"the manifest of a tag", ":0.1.0", at("/0.1.0"), flip, "somebody changed it"},
		{"the manifest of a digest", "@" + p.Digest(), at(p.Digest()), flip, "somebody changed it"},
		{"a longer layer", ":0.1.0", at(p.LayerDigest()), func(b []byte) []byte { return append(b, b...) }, "Content-Length"},
		{"a large manifest", ":0.1.0", at("/0.1.0"), large, "want at most 262144"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			honest := handler()
			mustPush(t, serve(t, honest), p, Options{})
			repo := serve(t, lying(honest, tc.about, tc.lie))
			_, err := Pull(t.Context(), repo+tc.ref, Options{})
			wantError(t, err, "pulling "+repo+tc.ref, tc.message)
		})
	}
}

func TestPullRefusesOtherArtifacts(t *testing.T) {
	repo := serve(t, handler())
	p := packed(t)
	text := strings.Replace(string(p.manifest.content), ArtifactType, "application/vnd.cncf.flux.config.v1+json", 1)
	p.manifest = newBlob(p.manifest.MediaType, []byte(text))
	mustPush(t, repo+":0.1.0", p, Options{})
	_, err := Pull(t.Context(), repo+":0.1.0", Options{})
	wantError(t, err, "pulling "+repo+":0.1.0", "it is no Bead", "vnd.cncf.flux")

	p.manifest = newBlob("application/vnd.oci.image.index.v1+json", []byte(`{"schemaVersion":2,"manifests":[]}`))
	mustPush(t, repo+":index", p, Options{})
	_, err = Pull(t.Context(), repo+":index", Options{})
	wantError(t, err, `the manifest is "application/vnd.oci.image.index.v1+json"`)
}

func TestReferencesThatAreNoneAreRefused(t *testing.T) {
	for _, ref := range []string{
		"", "gke", "127.0.0.1/gke", "https://127.0.0.1/gke", "oci://", "oci://host", "oci://host/", "oci://host/UPPER",
		"oci://host/gke:", "oci://host/gke:a b", "oci://host/gke@sha256:12", "oci://host/gke@",
		"oci://host/gke@sha512:" + strings.Repeat("0", 128),
	} {
		_, err := Pull(t.Context(), ref, Options{})
		wantError(t, err, "pulling the Bead: ", "want oci://HOST/REPOSITORY:TAG or oci://HOST/REPOSITORY@sha256:HEX")
	}
	_, err := Pull(t.Context(), "oci://alice:s3cret@host/gke", Options{})
	wantError(t, err, "credentials before the host", "Docker configuration")
	if strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %q holds the password", err)
	}
	_, err = Push(t.Context(), "oci://host/gke@"+packed(t).Digest(), packed(t), Options{})
	wantError(t, err, "want a tag")
}
