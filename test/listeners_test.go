package test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// trusting is a client that trusts the hub's authority and has no credential.
func trusting(t *testing.T, outputs hubtest.Outputs) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(hubtest.ReadFile(t, outputs.CA))) {
		t.Fatalf("%s holds no certificate", outputs.CA)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// testListeners checks every socket that a process of the hub listens on.
func testListeners(t *testing.T, hub *hubtest.Hub) {
	names := map[int]string{}
	for name, pid := range hub.Status(t).PIDs() {
		names[pid] = name
	}
	client := trusting(t, hub.Outputs(t))
	client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true // Kyverno's certificate is its own
	refuses := map[string]func(*testing.T, string){
		"etcd":                         demandsCertificate,
		"kube-apiserver":               answers(client, http.StatusUnauthorized, "/", "/api", "/version", "/readyz", "/metrics"),
		"kube-controller-manager":      answers(client, http.StatusForbidden, "/", "/metrics", "/configz", "/debug/pprof/"),
		"gitea":                        gitea(client),
		"argocd-redis":                 demandsPassword,
		"argocd-repo-server":           demandsCertificate,
		"argocd-server":                answers(client, http.StatusUnauthorized, "/api/v1/applications", "/api/v1/clusters"),
		"kyverno":                      demandsCertificate,
		"kyverno-cleanup-controller":   demandsCertificate,
		"function-patch-and-transform": demandsCertificate,
		"function-auto-ready":          demandsCertificate,
	}
	seen := map[string]bool{}
	for _, listener := range hubtest.Listeners(t, hub.Processes()) {
		name := names[listener.PID]
		seen[name] = true
		t.Run(fmt.Sprintf("%s on %s", name, listener.Address), func(t *testing.T) {
			if !listener.Address.Addr().IsLoopback() {
				t.Errorf("%s listens on %s %s, want loopback", name, listener.Network, listener.Address)
			}
			check := refuses[name]
			if check == nil || !strings.HasPrefix(listener.Network, "tcp") {
				t.Fatalf("process %d (%s) listens on %s, which nobody expects", listener.PID, name, listener.Network)
			}
			saysNothingInPlainText(t, listener.Address.String())
			check(t, listener.Address.String())
		})
	}
	for name := range refuses {
		if !seen[name] {
			t.Errorf("%s was not found to listen", name)
		}
	}
}

// saysNothingInPlainText checks that a server does not answer a request without TLS.
func saysNothingInPlainText(t *testing.T, address string) {
	t.Helper()
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + address + "/")
	if err != nil {
		return
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusBadRequest {
		t.Errorf("http://%s/ answers %s, want a refusal of plain HTTP", address, response.Status)
	}
}

// demandsCertificate checks that a server ends a connection that shows no client certificate.
func demandsCertificate(t *testing.T, address string) {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}
	connection, err := tls.Dial("tcp", address, config)
	if err == nil {
		defer func() { _ = connection.Close() }()
		// With TLS 1.3 a client learns only from the first answer that it was not accepted.
		_, err = connection.Read(make([]byte, 1))
	}
	said := fmt.Sprint(err)
	if !strings.Contains(said, "certificate required") && !strings.Contains(said, "bad certificate") {
		t.Errorf("%s: %v, want a demand for a client certificate", address, err)
	}
}

// demandsPassword checks that a Redis does nothing for somebody who has not named a password.
func demandsPassword(t *testing.T, address string) {
	t.Helper()
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := io.WriteString(connection, "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil || !strings.HasPrefix(answer, "-NOAUTH") {
		t.Errorf("Redis answers %q, %v; want -NOAUTH", answer, err)
	}
}

// answers makes a check that the paths of a server are answered with one status.
func answers(client *http.Client, status int, paths ...string) func(*testing.T, string) {
	return func(t *testing.T, address string) {
		t.Helper()
		for _, path := range paths {
			if got := get(t, client, "https://"+address+path); got.StatusCode != status {
				t.Errorf("%s answers %s, want %d", path, got.Status, status)
			}
		}
	}
}

// gitea makes a check that a Gitea shows strangers nothing but its login page.
func gitea(client *http.Client) func(*testing.T, string) {
	return func(t *testing.T, address string) {
		t.Helper()
		for _, path := range []string{
			"/api/v1/user", "/api/v1/repos/search", "/api/v1/version", "/backstack/hub.git/info/refs?service=git-upload-pack",
			"/backstack/requests.git/info/refs?service=git-receive-pack",
		} {
			got := get(t, client, "https://"+address+path)
			if !slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden}, got.StatusCode) {
				t.Errorf("%s answers %s, want 401 or 403", path, got.Status)
			}
		}
		for _, path := range []string{"/", "/explore/repos", "/backstack", "/backstack/hub"} {
			got := get(t, client, "https://"+address+path)
			if !strings.HasSuffix(got.Header.Get("Location"), "/user/login") && got.StatusCode != http.StatusNotFound {
				t.Errorf("%s answers %s, want the login page", path, got.Status)
			}
		}
	}
}

func get(t *testing.T, client *http.Client, url string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(hubtest.Patient(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response
}

// testModes checks that nothing of a hub's state is open to other users.
func testModes(t *testing.T, hub *hubtest.Hub) {
	entries := 0
	err := filepath.WalkDir(filepath.Join(hub.State, "backstack"), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.Type() == fs.ModeSymlink:
			return nil // it was removed meanwhile, or has no mode of its own
		case path == filepath.Join(hub.Dir(), "tmp", ".kube", "cache"):
			// client-go gives this cache of what the API server offers, which is no secret, modes of its own choice.
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		entries++
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, want none for group and others", path, info.Mode())
		}
		return nil
	})
	if err != nil || entries < 100 {
		t.Errorf("%d files and folders were looked at, %v", entries, err)
	}
}
