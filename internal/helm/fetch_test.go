package helm

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocireg "github.com/google/go-containerregistry/pkg/registry"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
)

// TestMain makes this process trust the certificate of httptest's servers, as a machine trusts that of a real one: the
// machine's authorities are read once, before any test.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		server := httptest.NewUnstartedServer(nil)
		server.StartTLS()
		server.Close()
		dir, err := os.MkdirTemp("", "backstack-helm-")
		if err != nil {
			log.Print(err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		file := filepath.Join(dir, "ca.pem")
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		for name, value := range map[string]string{
			"SSL_CERT_FILE": file, // https://pkg.go.dev/crypto/x509#SystemCertPool
			// What the user of this machine has of Helm's is left alone.
			"HELM_CACHE_HOME": filepath.Join(dir, "cache"), "HELM_CONFIG_HOME": filepath.Join(dir, "config"),
			"HELM_DATA_HOME": filepath.Join(dir, "data"), "DOCKER_CONFIG": filepath.Join(dir, "docker"),
		} {
			if err := os.Setenv(name, value); err != nil {
				log.Print(err)
				return 1
			}
		}
		if err := os.WriteFile(file, ca, 0o600); err != nil {
			log.Print(err)
			return 1
		}
		return m.Run()
	}())
}

// packed makes the archive of a chart in two files, and returns its path.
func packed(t *testing.T, version string) string {
	t.Helper()
	archive, err := chartutil.Save(&chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: chart.APIVersionV2, Name: "shop", Version: version},
		Templates: []*chart.File{{Name: "templates/config.yaml", Data: []byte("version: " + version + "\n")}},
	}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// serve serves over HTTPS, and returns where, as HOST:PORT.
func serve(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// chartRepository serves the chart in two versions as `helm repo index` has it, and returns its URL.
func chartRepository(t *testing.T) string {
	t.Helper()
	archives := make(map[string][]byte)
	index := repo.NewIndexFile()
	for _, version := range []string{"0.1.0", "0.2.0"} {
		name := "archives/shop-" + version + ".tgz"
		archives["/charts/"+name] = read(t, packed(t, version))
		if err := index.MustAdd(&chart.Metadata{APIVersion: chart.APIVersionV2, Name: "shop", Version: version}, name, "",
			""); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "index.yaml")
	if err := index.WriteFile(path, 0o600); err != nil {
		t.Fatal(err)
	}
	archives["/charts/index.yaml"] = read(t, path)
	return "https://" + serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, there := archives[r.URL.Path]
		if !there {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(content)
	})) + "/charts"
}

// ociRegistry serves the chart in two versions as `helm push` makes it, and returns the URL that it is below.
func ociRegistry(t *testing.T) string {
	t.Helper()
	host := serve(t, ocireg.New(ocireg.Logger(log.New(io.Discard, "", 0))))
	client, err := registry.NewClient(registry.ClientOptWriter(io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"0.1.0", "0.2.0"} {
		if _, err := client.Push(read(t, packed(t, version)), host+"/charts/shop:"+version); err != nil {
			t.Fatal(err)
		}
	}
	return "oci://" + host + "/charts"
}

// wantChart checks that the files are those of the chart in a version.
func wantChart(t *testing.T, files map[string][]byte, version string) {
	t.Helper()
	if got, want := string(files["templates/config.yaml"]), "version: "+version+"\n"; got != want {
		t.Errorf("the chart's template is %q: want %q", got, want)
	}
	if !bytes.Contains(files["Chart.yaml"], []byte("name: shop")) || len(files) != 2 {
		t.Errorf("the chart has %d files, Chart.yaml is %q: want two, and the chart shop", len(files), files["Chart.yaml"])
	}
}

func TestChartsAreFetchedFromAChartRepositoryAndFromARegistry(t *testing.T) {
	for scheme, repository := range map[string]string{"https": chartRepository(t), "oci": ociRegistry(t)} {
		t.Run(scheme, func(t *testing.T) {
			for _, url := range []string{repository, repository + "/"} {
				files, err := Fetch(t.Context(), url, "shop", "0.1.0")
				if err != nil {
					t.Fatal(err)
				}
				wantChart(t, files, "0.1.0")
			}
			for _, missing := range [][2]string{{"shop", "0.3.0"}, {"cart", "0.1.0"}} {
				_, err := Fetch(t.Context(), repository, missing[0], missing[1])
				want := fmt.Sprintf("fetching chart %s %s from %s: ", missing[0], missing[1], repository)
				if err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("the error is %v: want %q", err, want)
				}
			}
		})
	}
}

func TestAServerWithoutTLSIsRefused(t *testing.T) {
	server := httptest.NewServer(ocireg.New(ocireg.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	for _, scheme := range []string{"https://", "oci://"} {
		_, err := Fetch(t.Context(), scheme+server.Listener.Addr().String()+"/charts", "shop", "0.1.0")
		if err == nil || !strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
			t.Errorf("from %s: %v: want it refused", scheme, err)
		}
	}
}

func TestFetchingEndsWithItsContext(t *testing.T) {
	asked, end := make(chan struct{}), make(chan struct{})
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-end
	}))
	defer server.Close()
	defer close(end)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	go func() {
		<-asked
		cancel(stop)
	}()
	if _, err := Fetch(ctx, server.URL, "demo", "1.0.0"); !errors.Is(err, stop) {
		t.Errorf("the error is %v, want that it was interrupted", err)
	}
}
