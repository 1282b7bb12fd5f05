// Package registry runs a registry of container images and Crossplane packages for tests: with TLS by an authority of
// its own, and closed to who does not know the password.
package registry

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/back-stack/backstack/internal/pki"
)

// Username is the one that the registry takes.
const Username = "robot"

// Registry is a registry that runs in this process.
type Registry struct {
	Host     string // as images are named: an address and a port
	CA       []byte // the authority of its certificate, PEM
	Password string

	server *http.Server
	client *http.Client

	mutex  sync.Mutex
	open   bool // whether everybody may read
	pulled map[string]bool
}

// Start runs a registry at an address of this machine, on a port that is free. Its certificate is in dir, and what is
// pushed to it too; the contents of images may also be in the folders blobs, which are only read. Close ends it.
func Start(dir, address string, blobs ...string) (*Registry, error) {
	r, err := start(dir, address, blobs)
	if err != nil {
		return nil, fmt.Errorf("starting a registry at %s: %w", address, err)
	}
	return r, nil
}

func start(dir, address string, blobs []string) (*Registry, error) {
	certificates, pushed := pki.Dir(filepath.Join(dir, "pki")), filepath.Join(dir, "blobs")
	if err := errors.Join(os.MkdirAll(string(certificates), 0o700), os.MkdirAll(pushed, 0o700)); err != nil {
		return nil, err
	}
	authority, err := certificates.Authority("registry-ca")
	if err == nil {
		err = authority.Issue(pki.Leaf{Name: "registry", CommonName: "registry", Hosts: []string{address}})
	}
	if err != nil {
		return nil, err
	}
	r := &Registry{Password: rand.Text(), pulled: map[string]bool{}}
	if r.CA, err = os.ReadFile(certificates.Cert("registry-ca")); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(certificates.Cert("registry"), certificates.Key("registry"))
	if err != nil {
		return nil, err
	}
	if r.client, err = certificates.HTTPClient("registry-ca", ""); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	r.Host = listener.Addr().String()
	quiet := log.New(io.Discard, "", 0)
	handler := registry.New(registry.Logger(quiet), registry.WithBlobHandler(store{pushed, blobs}))
	r.server = &http.Server{
		Handler: r.closed(handler), ErrorLog: quiet,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}
	go func() { _ = r.server.ServeTLS(listener, "", "") }() // until Close
	return r, nil
}

// Close ends the registry.
func (r *Registry) Close() error { return r.server.Close() }

// Open lets everybody read, and no longer only who knows the password.
func (r *Registry) Open() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.open = true
}

// admits says whether a request is let in.
func (r *Registry) admits(request *http.Request) bool {
	r.mutex.Lock()
	open := r.open
	r.mutex.Unlock()
	if open && (request.Method == http.MethodGet || request.Method == http.MethodHead) {
		return true
	}
	user, password, _ := request.BasicAuth()
	return user == Username && subtle.ConstantTimeCompare([]byte(password), []byte(r.Password)) == 1
}

// closed lets in who knows the password, and notes what images are asked for.
func (r *Registry) closed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if !r.admits(request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, "it takes a username and a password", http.StatusUnauthorized)
			return
		}
		repository, reference, found := strings.Cut(strings.TrimPrefix(request.URL.Path, "/v2/"), "/manifests/")
		if found && (request.Method == http.MethodGet || request.Method == http.MethodHead) {
			separator := ":"
			if strings.Contains(reference, ":") {
				separator = "@"
			}
			r.mutex.Lock()
			r.pulled[repository+separator+reference] = true
			r.mutex.Unlock()
		}
		next.ServeHTTP(w, request)
	})
}

// Pulled lists the images that were asked for, without the host: with the tag, or with the digest.
func (r *Registry) Pulled() []string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	var images []string
	for image := range r.pulled {
		images = append(images, image)
	}
	slices.Sort(images)
	return images
}

// Push puts an image into the registry, under a name without the host.
func (r *Registry) Push(ctx context.Context, as string, image v1.Image) error {
	ref, err := name.ParseReference(r.Host + "/" + as)
	if err == nil {
		err = remote.Write(ref, image, remote.WithContext(ctx), remote.WithTransport(r.client.Transport),
			remote.WithAuth(&authn.Basic{Username: Username, Password: r.Password}))
	}
	if err != nil {
		return fmt.Errorf("pushing %s: %w", as, err)
	}
	return nil
}

// DockerConfig is what a Secret of type kubernetes.io/dockerconfigjson holds for pulling from the registry.
func (r *Registry) DockerConfig() []byte {
	return fmt.Appendf(nil, `{"auths":{%q:{"username":%q,"password":%q}}}`, r.Host, Username, r.Password)
}
