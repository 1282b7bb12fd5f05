package kind

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// serve runs an API server and writes its kubeconfig.
func serve(t *testing.T, handler http.HandlerFunc) *api {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := clientcmdapi.NewConfig()
	config.Clusters["kind-demo"] = &clientcmdapi.Cluster{Server: server.URL}
	config.Contexts["kind-demo"] = &clientcmdapi.Context{Cluster: "kind-demo"}
	config.CurrentContext = "kind-demo"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	a, err := newAPI(path)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnAPIThatIsReadyIsNotWaitedFor(t *testing.T) {
	calls := fakeEngine(t, "exit 1")
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/version" {
			_, _ = w.Write([]byte(`{"gitVersion": "v1.34.4"}`))
		}
	})
	c := New(testOptions(t))
	if err := c.awaitReady(t.Context(), engine{program: "docker"}, a, func(s string) { t.Error(s) }); err != nil {
		t.Error(err)
	}
	if called := callsOf(t, calls); len(called) > 0 {
		t.Errorf("called %v", called)
	}
	if version, err := a.version(t.Context()); err != nil || version != "1.34.4" {
		t.Errorf("got the version %q, %v", version, err)
	}
}

func TestAnAPIIsWaitedForUntilItIsReady(t *testing.T) {
	fakeEngine(t, "while :; do :; done")
	var asked atomic.Int32
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	var told []string
	c := New(testOptions(t))
	err := c.awaitReady(t.Context(), engine{program: "docker"}, a, func(s string) { told = append(told, s) })
	if err != nil || asked.Load() != 3 || len(told) != 1 || !strings.Contains(told[0], a.server) {
		t.Errorf("got %v after %d questions, told %v", err, asked.Load(), told)
	}
}

func TestWaitingForAnAPIEndsWithTheNode(t *testing.T) {
	dir := t.TempDir()
	over := filepath.Join(dir, "over")
	fakeEngine(t, "until [ -e "+over+" ]; do :; done")
	a := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(over, nil, 0o600); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := New(testOptions(t)).awaitReady(ctx, engine{program: "docker"}, a, func(string) {})
	for _, want := range []string{"docker logs demo-control-plane", "500"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestWaitingForAnAPIEndsWithItsContext(t *testing.T) {
	fakeEngine(t, "while :; do :; done")
	a := serve(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 150*time.Millisecond, context.DeadlineExceeded)
	defer cancel()
	err := New(testOptions(t)).awaitReady(ctx, engine{program: "docker"}, a, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "500") || !strings.Contains(err.Error(), a.server) {
		t.Errorf("got %v, want what the API said last", err)
	}
}
