package beads

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/gitops"
)

// newHost is a stand-in for GitHub's API of pull requests, which answers as its documentation says; Gitea's is tested
// with a real Gitea, on a hub.
func newHost(t *testing.T, open map[string]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "token secret":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"message":"Bad credentials"}`)
		case r.URL.Path != "/repos/acme/hub/pulls":
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodGet:
			var list []map[string]any
			for branch, url := range open {
				list = append(list, map[string]any{"html_url": url, "head": map[string]any{"ref": branch}})
			}
			_ = json.NewEncoder(w).Encode(list)
		default:
			var asked struct{ Title, Head, Base string }
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Base != mainBranch || asked.Title == "" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			if _, there := open[asked.Head]; there || asked.Head == "empty" {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = fmt.Fprint(w, `{"message":"Validation Failed"}`)
				return
			}
			w.WriteHeader(http.StatusCreated)
			_, _ = fmt.Fprint(w, `{"html_url":"https://github.example/acme/hub/pull/7"}`)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestAPullRequestIsOpenedOncePerBranch(t *testing.T) {
	server := newHost(t, map[string]string{"bead-there": "https://github.example/acme/hub/pull/3"})
	for _, test := range []struct{ branch, token, want, fault string }{
		{branch: "bead-new", token: "secret", want: "https://github.example/acme/hub/pull/7"},
		{branch: "bead-there", token: "secret", want: "https://github.example/acme/hub/pull/3"},
		{branch: "empty", token: "secret", fault: "the server refuses it: {\"message\":\"Validation Failed\"}"},
		{branch: "bead-new", token: "wrong", fault: "the server answers 401: {\"message\":\"Bad credentials\"}"},
	} {
		requests := pullRequests{api: server.URL, owner: "acme", name: "hub", token: test.token, client: server.Client()}
		got, err := requests.open(context.Background(), test.branch, "Add Bead a", "because")
		if got != test.want || (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %q (%v), want %q (%s)", test.branch, got, err, test.want, test.fault)
		}
	}
}

func TestPullRequestsNeedAHostThatHasThem(t *testing.T) {
	for url, fault := range map[string]string{
		"https://git.example/backstack/hub.git": "",
		"https://github.com/acme/hub.git":       "",
		"https://git.example/a/b/c.git":         "pull requests can be opened on Gitea and GitHub",
	} {
		h := &Hub{Access: &hub.Access{Spec: spec.Resolve(spec.Default("hub")), Repository: gitops.Repository{URL: url}}}
		_, err := h.PullRequests(context.Background())
		if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
			t.Errorf("%s: %v, want %q", url, err, fault)
		}
	}
}
