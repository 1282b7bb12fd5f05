package beads

import (
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/gitops"
)

func TestRepositoriesBesideHubGitAreReachedAsItIs(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	h := describedHub(t, "")
	for hubGit, want := range map[string]string{
		server.URL + "/backstack/hub.git":                "repository not found",
		"https://git.example.com:1/backstack/hub.git":    "failed to verify certificate",
		server.URL + "0/backstack/hub.git":               "failed to verify certificate",
		"https://127.0.0.1.example/backstack/hub.git":    "failed to verify certificate",
		"http" + server.URL[5:] + "/backstack/hub.git":   "failed to verify certificate",
		"https://localhost:" + port(server.URL) + "/h/h": "failed to verify certificate",
	} {
		h.Repository = gitops.Repository{
			URL: hubGit, CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		}
		_, err := h.fetch(t.Context(), "git::"+server.URL+"/backstack/beads.git//queue")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("beside %s: %v: want %q", hubGit, err, want)
		}
	}
}

// port is that of HTTPS://HOST:PORT.
func port(url string) string { return url[strings.LastIndex(url, ":")+1:] }
