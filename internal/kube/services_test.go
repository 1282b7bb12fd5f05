package kube

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"k8s.io/client-go/rest"
)

// The answers are those of kube-proxy 1.34, by way of the API server.
func TestKubeProxyHasRulesOnceItHasMadeSome(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		answer string
		want   bool
	}{
		{"it does not listen yet", 503, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":503}`, false},
		{"it has made none", 200, `{"lastUpdated":"2026-01-01T00:00:00Z","currentTime":"2026-01-01T00:00:00Z","healthy":true}`, false},
		{"it has", 200, `{"healthy":true,"status":{"IPv4":{"lastUpdated":"2026-01-01T00:00:00Z","healthy":true}}}`, true},
		{"it has for others", 200, `{"healthy":true,"status":{"IPv6":{"lastUpdated":"2026-01-01T00:00:00Z","healthy":true}}}`, false},
		{"it is behind", 503, `{"healthy":false,"status":{"IPv4":{"lastUpdated":"2026-01-01T00:00:00Z","healthy":false}}}`, true},
		{"it is something else", 200, `ok`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v1/nodes/one:10256/proxy/livez" {
					t.Errorf("%s was asked", r.URL.Path)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.status)
				_, _ = fmt.Fprint(w, test.answer)
			}))
			defer server.Close()
			client, err := NewForConfig(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			if got := client.hasRules(t.Context(), "one", []string{"IPv4"}); got != test.want {
				t.Errorf("%t, want %t", got, test.want)
			}
		})
	}
}
