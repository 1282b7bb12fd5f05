package source

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// hostOf is the host and port of a URL.
func hostOf(t *testing.T, text string) string {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Host
}

// wantUntold checks that a server was asked, and was not told who asks.
func wantUntold(t *testing.T, s *server) {
	t.Helper()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.secrets) == 0 {
		t.Error("the server was not asked: want it asked, by nobody")
	}
	if told := strings.Join(s.secrets, ""); told != "" {
		t.Errorf("the server was told %q: want nothing", told)
	}
}

func TestCredentialsAreForServersThatAsk(t *testing.T) {
	u := newUpstream(t)
	private, open := serveGit(t, filepath.Dir(u.dir), "s3cret"), serveGit(t, filepath.Dir(u.dir), "")
	for _, s := range []*server{private, open} {
		credentials := Credentials{Host: hostOf(t, s.URL), Username: "alice", Token: "s3cret"}
		mustFetch(t, "git::"+s.URL+"/beads.git/.git@v1", Options{CA: s.CA, Git: credentials})
	}
	wantUntold(t, open)
	wrong := Credentials{Host: hostOf(t, private.URL), Username: "alice", Token: "wr0ng"}
	_, err := fetchText(t.Context(), "git::"+private.URL+"/beads.git/.git", Options{CA: private.CA, Git: wrong})
	wantError(t, err, "authentication required")
	if strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("error %q holds the token", err)
	}
}

func TestCredentialsGoToNoServerButTheirs(t *testing.T) {
	u := newUpstream(t)
	for name, test := range map[string]struct {
		credentials Credentials
		message     string
	}{
		"nobody's":    {Credentials{}, "want BACKSTACK_GIT_TOKEN to be set, BACKSTACK_GIT_HOST to be THIS"},
		"no server's": {Credentials{Token: "s3cret"}, "sent to no server but BACKSTACK_GIT_HOST: want that to be THIS"},
		"another's": {
			Credentials{Host: "git.example.com", Token: "s3cret"},
			"is for git.example.com (BACKSTACK_GIT_HOST), and this is THIS",
		},
		"those for another port": {
			Credentials{Host: "127.0.0.1", Token: "s3cret"}, "is for 127.0.0.1 (BACKSTACK_GIT_HOST), and this is THIS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveGit(t, filepath.Dir(u.dir), "s3cret")
			test.credentials.Username = "alice"
			_, err := fetchText(t.Context(), "git::"+s.URL+"/beads.git/.git", Options{CA: s.CA, Git: test.credentials})
			wantError(t, err, "authentication required", strings.Replace(test.message, "THIS", hostOf(t, s.URL), 1))
			wantUntold(t, s)
		})
	}
}

func TestCredentialsDoNotFollowARedirect(t *testing.T) {
	u := newUpstream(t)
	foreign := serveGit(t, filepath.Dir(u.dir), "s3cret")
	var told atomic.Value
	mine := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "" {
			told.Store(password)
			http.Redirect(w, r, foreign.URL+r.URL.String(), http.StatusFound)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(mine.Close)
	credentials := Credentials{Host: hostOf(t, mine.URL), Username: "alice", Token: "s3cret"}
	_, err := fetchText(t.Context(), "git::"+mine.URL+"/beads.git/.git", Options{CA: foreign.CA, Git: credentials})
	wantError(t, err, "authentication required")
	if told.Load() != "s3cret" {
		t.Errorf("the server that redirects was told %v: want the token, or the test is about nothing", told.Load())
	}
	wantUntold(t, foreign)
}

func TestPortsOfAServerCanBeLeftOut(t *testing.T) {
	for _, test := range []struct {
		host, url string
		want      bool
	}{
		{"git.example.com", "https://git.example.com/a", true},
		{"GIT.example.com:443", "https://git.example.com/a", true},
		{"git.example.com", "https://git.example.com:443/a", true},
		{"git.example.com:8443", "https://git.example.com/a", false},
		{"git.example.com", "https://git.example.com:8443/a", false},
		{"example.com", "https://git.example.com/a", false},
		{"git.example.com", "https://git.example.com.evil.example/a", false},
		{"localhost:3000", "http://localhost:3000/a", true},
		{"localhost", "http://localhost:80/a", true},
		{"[::1]:3000", "https://[::1]:3000/a", true},
	} {
		parsed, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := sameHost(test.host, parsed); got != test.want {
			t.Errorf("%s is the server of %s: %v, want %v", test.host, test.url, got, test.want)
		}
	}
}
