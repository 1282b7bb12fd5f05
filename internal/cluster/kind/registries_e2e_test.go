//go:build e2e

package kind

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/pki"
)

// testRegistry is a registry on an address of this machine that nodes reach.
type testRegistry struct {
	host string
	ca   []byte // of its certificate; empty if it has none
	http *http.Client
}

// serveRegistry runs a registry that has an image called demo. With a name of an authority it has a certificate; with a
// login it asks for one.
func serveRegistry(t *testing.T, authority string, login cluster.Login) testRegistry {
	t.Helper()
	address := ownAddress(t)
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		username, password, _ := r.BasicAuth()
		if login != (cluster.Login{}) && (username != login.Username || password != login.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, r)
	})
	quiet := log.New(io.Discard, "", 0)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: guarded, ErrorLog: quiet}}
	served := testRegistry{host: listener.Addr().String()}
	if authority == "" {
		server.Start()
		served.http = server.Client()
	} else {
		dir := pki.Dir(t.TempDir())
		ca, err := dir.Authority(authority)
		if err != nil {
			t.Fatal(err)
		}
		if err := ca.Issue(pki.Leaf{Name: "registry", CommonName: "registry", Hosts: []string{address}}); err != nil {
			t.Fatal(err)
		}
		certificate, err := tls.LoadX509KeyPair(dir.Cert("registry"), dir.Key("registry"))
		if err != nil {
			t.Fatal(err)
		}
		if served.ca, err = os.ReadFile(dir.Cert(authority)); err != nil {
			t.Fatal(err)
		}
		server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
		server.StartTLS()
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(served.ca)
		served.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	}
	t.Cleanup(server.Close)
	image, err := random.Image(1024, 1)
	if err != nil {
		t.Fatal(err)
	}
	var options []name.Option
	if authority == "" {
		options = append(options, name.Insecure)
	}
	reference, err := name.ParseReference(served.host+"/demo:1", options...)
	if err != nil {
		t.Fatal(err)
	}
	basic := authenticating{login: login, base: served.http.Transport}
	if err := remote.Write(reference, image, remote.WithTransport(basic)); err != nil {
		t.Fatal(err)
	}
	return served
}

// ownAddress is an address of this machine that is not its loopback one.
func ownAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP.String()
		}
	}
	t.Fatal("this machine has no IPv4 address but its loopback one")
	return ""
}

// authenticating sends a login with every request.
type authenticating struct {
	login cluster.Login
	base  http.RoundTripper
}

func (a authenticating) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(a.login.Username, a.login.Password)
	return a.base.RoundTrip(r)
}

func TestANodePullsThroughMirrorsAndFromARegistryWithALogin(t *testing.T) {
	o := realOptions(t)
	login := cluster.Login{Username: "robot", Password: "s3cret"}
	private := serveRegistry(t, "private", login)
	trusted := serveRegistry(t, "trusted", cluster.Login{})
	plain := serveRegistry(t, "", cluster.Login{})
	o.Authorities = trusted.ca
	o.Registry = &cluster.Registry{Prefix: private.host + "/hub", CA: private.ca, Login: login}
	o.Mirrors = map[string]string{
		"mirrored.example.com": "https://" + trusted.host,
		"plain.example.com":    "http://" + plain.host,
	}
	c := New(o)
	ensure(t, c)
	client, err := kube.New(c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), longCreation)
	defer cancel()
	accounts := schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}
	if err := client.Until(ctx, accounts, "default", func(accounts []*unstructured.Unstructured) (bool, string) {
		return len(accounts) > 0, "the service account of pods"
	}, nil); err != nil {
		t.Fatal(err)
	}
	pulled(ctx, t, client, map[string]string{
		"private":  private.host + "/demo:1",      // its CA and its login
		"trusted":  trusted.host + "/demo:1",      // an authority for all registries
		"mirrored": "mirrored.example.com/demo:1", // a mirror with that authority
		"plain":    "plain.example.com/demo:1",    // a mirror without TLS
	})
}

// pulled makes a pod of each image and waits until all were pulled. They cannot run: there is nothing in them.
func pulled(ctx context.Context, t *testing.T, client *kube.Client, images map[string]string) {
	t.Helper()
	for pod, image := range images {
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": pod, "namespace": "default"},
			"spec": map[string]any{
				"automountServiceAccountToken": false,
				"containers":                   []any{map[string]any{"name": "demo", "image": image, "command": []any{"/none"}}},
			},
		}}
		if err := client.Apply(ctx, kube.Backstack, object); err != nil {
			t.Fatal(err)
		}
	}
	pods := schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	failed := ""
	if err := client.Until(ctx, pods, "default", func(pods []*unstructured.Unstructured) (bool, string) {
		var pending []string
		for _, pod := range pods {
			statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
			text, err := json.Marshal(statuses)
			switch {
			case err != nil || strings.Contains(string(text), "ImagePull"):
				failed += pod.GetName() + " " + string(text) + "\n"
			case len(statuses) == 0 || strings.Contains(string(text), `"ContainerCreating"`):
				pending = append(pending, pod.GetName())
			}
		}
		slices.Sort(pending)
		return failed != "" || len(pending) == 0, strings.Join(pending, ", ")
	}, func(s string) { t.Log(s) }); err != nil {
		t.Error(err)
	}
	if failed != "" {
		t.Errorf("not pulled:\n%s", failed)
	}
}

func TestMirrorsAreChangedWhileTheNodeRuns(t *testing.T) {
	o := realOptions(t)
	plain := serveRegistry(t, "", cluster.Login{})
	ensure(t, New(o))
	o.Mirrors = map[string]string{"later.example.com": "http://" + plain.host}
	c := New(o)
	if ensure(t, c) {
		t.Error("something was started")
	}
	got := docker(t, "exec", c.node(), "cat", filepath.Join(certsDir, "later.example.com", "hosts.toml"))
	if !strings.Contains(got, plain.host) {
		t.Errorf("the node sees %q", got)
	}
	docker(t, "exec", c.node(), "ctr", "--namespace", "k8s.io", "images", "pull", "--hosts-dir", certsDir,
		"later.example.com/demo:1")
}
