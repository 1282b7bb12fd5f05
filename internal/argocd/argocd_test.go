package argocd

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// fakeArgoCD has Applications and an account, admin with the password secret.
type fakeArgoCD struct {
	mutex    sync.Mutex
	sessions int             // made so far; only the token of the last is good
	password string          // of the account
	apps     map[string]bool // whether the Application of the name is Synced
	watches  []chan string   // of those that are open: lines to send
	lists    int             // how often the Applications were listed
	opened   chan struct{}   // gets something for every watch that is opened
}

func newFake() *fakeArgoCD {
	return &fakeArgoCD{password: "secret", apps: map[string]bool{}, opened: make(chan struct{}, 100)}
}

func (f *fakeArgoCD) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "Invalid content type", http.StatusUnsupportedMediaType)
		return
	}
	switch path := r.Method + " " + r.URL.Path; {
	case path == "POST /api/v1/session":
		f.login(w, r)
	case r.Header.Get("Authorization") != "Bearer "+f.token():
		refuse(w, http.StatusUnauthorized, "invalid session: token is expired")
	case path == "GET /api/v1/applications":
		f.list(w)
	case path == "GET /api/v1/stream/applications":
		f.watch(w, r)
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"error":%q,"code":1,"message":%[1]q}`, message)
}

func (f *fakeArgoCD) token() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return fmt.Sprintf("token-%d", f.sessions)
}

func (f *fakeArgoCD) login(w http.ResponseWriter, r *http.Request) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	var account struct{ Username, Password string }
	err := json.NewDecoder(r.Body).Decode(&account)
	if err != nil || account.Username != "admin" || account.Password != f.password {
		refuse(w, http.StatusUnauthorized, "Invalid username or password")
		return
	}
	f.sessions++
	_, _ = fmt.Fprintf(w, `{"token":"token-%d"}`, f.sessions)
}

// expire ends all sessions.
func (f *fakeArgoCD) expire() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.sessions++
}

// written is an Application as Argo CD writes it: without its kind.
func written(name string, synced bool) string {
	status := "OutOfSync"
	if synced {
		status = "Synced"
	}
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"argocd","generation":3},"status":{"sync":{"status":%q}}}`,
		name, status)
}

func (f *fakeArgoCD) list(w http.ResponseWriter) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.lists++
	var items []string
	for name, synced := range f.apps {
		items = append(items, written(name, synced))
	}
	_, _ = fmt.Fprintf(w, `{"metadata":{"resourceVersion":"9"},"items":[%s]}`, strings.Join(items, ","))
}

func (f *fakeArgoCD) watch(w http.ResponseWriter, r *http.Request) {
	lines := make(chan string, 100)
	f.mutex.Lock()
	f.watches = append(f.watches, lines)
	f.mutex.Unlock()
	f.opened <- struct{}{}
	for {
		select {
		case line, open := <-lines:
			if !open {
				return
			}
			_, _ = fmt.Fprintln(w, line)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// set makes an Application Synced or not, and tells those who watch.
func (f *fakeArgoCD) set(kind, name string, synced bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.apps[name] = synced; kind == "DELETED" {
		delete(f.apps, name)
	}
	for _, lines := range f.watches {
		lines <- fmt.Sprintf(`{"result":{"type":%q,"application":%s}}`, kind, written(name, synced))
	}
}

// endWatches ends all watches, with a last line if it is not empty.
func (f *fakeArgoCD) endWatches(line string) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, lines := range f.watches {
		if line != "" {
			lines <- line
		}
		close(lines)
	}
	f.watches = nil
}

// connect serves f and logs in to it.
func connect(t *testing.T, f *fakeArgoCD) *Client {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	client, err := Connect(t.Context(), Options{
		Address: server.Listener.Addr().String(), PlainText: true, Username: "admin", Password: "secret",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// synced says whether there are Applications and all of them are Synced, and names those that are not.
func synced(apps []*unstructured.Unstructured) (bool, string) {
	var waiting []string
	for _, app := range apps {
		if status, _, _ := unstructured.NestedString(app.Object, "status", "sync", "status"); status != "Synced" {
			waiting = append(waiting, app.GetName())
		}
	}
	return len(apps) > 0 && len(waiting) == 0, "applications " + strings.Join(waiting, ", ")
}

func TestApplicationsAreObjectsOfKubernetes(t *testing.T) {
	f := newFake()
	f.apps["web"], f.apps["db"] = true, false
	var apps []*unstructured.Unstructured
	err := connect(t, f).Until(t.Context(), func(all []*unstructured.Unstructured) (bool, string) {
		apps = all
		return true, ""
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(apps) != 2 || apps[0].GetName() != "db" || apps[1].GetName() != "web" || apps[0].GetNamespace() != "argocd" {
		t.Fatalf("got %v, want db and web", apps)
	}
	if got := apps[0].GetAPIVersion() + " " + apps[0].GetKind(); got != "argoproj.io/v1alpha1 Application" {
		t.Errorf("it is %s", got)
	}
	if generation := apps[0].GetGeneration(); generation != 3 {
		t.Errorf("generation %d, want 3: numbers are to be int64", generation)
	}
}

func TestUntilSeesChangesThatComeLater(t *testing.T) {
	f := newFake()
	f.apps["db"] = false
	client := connect(t, f)
	go func() {
		<-f.opened
		f.set("ADDED", "web", false)
		f.set("DELETED", "db", false)
		f.set("MODIFIED", "web", true)
	}()
	var waited []string
	if err := client.Until(t.Context(), synced, func(what string) { waited = append(waited, what) }); err != nil {
		t.Fatal(err)
	}
	want := []string{"applications db", "applications db, web", "applications web"}
	if strings.Join(waited, ";") != strings.Join(want, ";") {
		t.Errorf("told to wait for %q, want %q", waited, want)
	}
}

func TestUntilLooksAgainWhenTheWatchEnds(t *testing.T) {
	for _, last := range []string{"", `{"error":{"grpc_code":14,"http_code":503,"message":"the server restarts"}}`} {
		f := newFake()
		f.apps["db"] = false
		client := connect(t, f)
		go func() {
			<-f.opened
			f.mutex.Lock()
			f.apps["db"] = true // without telling
			f.mutex.Unlock()
			f.endWatches(last)
		}()
		if err := client.Until(t.Context(), synced, nil); err != nil {
			t.Error(err)
		}
	}
}

func TestErrorsOfTheWatchSayWhatIsWrong(t *testing.T) {
	line := `{"error":{"grpc_code":7,"http_code":403,"message":"permission denied"}}`
	_, _, err := next(json.NewDecoder(strings.NewReader(line)))
	if err == nil || err.Error() != "permission denied" || !is(err, http.StatusForbidden) {
		t.Errorf("error %v, want that permission is denied", err)
	}
}

func TestUntilLogsInAgainWhenTheSessionHasEnded(t *testing.T) {
	f := newFake()
	f.apps["db"] = true
	client := connect(t, f)
	f.expire()
	if err := client.Until(t.Context(), synced, nil); err != nil {
		t.Error(err)
	}
}

func TestUntilEndsWhenTheAccountIsRefused(t *testing.T) {
	f := newFake()
	client := connect(t, f)
	f.password = "another"
	f.expire()
	err := client.Until(t.Context(), synced, nil)
	if err == nil || !strings.Contains(err.Error(), "Invalid username or password") {
		t.Errorf("error %v, want that of the login", err)
	}
}

func TestUntilNamesWhatItWaitedFor(t *testing.T) {
	f := newFake()
	f.apps["db"] = false
	client := connect(t, f)
	cause := errors.New("not done after 10m")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := client.Until(ctx, synced, func(string) { cancel(cause) })
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "waiting for applications db") {
		t.Errorf("error %v, want the cause and what was waited for", err)
	}
}

func TestUntilSaysThatNothingAnswers(t *testing.T) {
	server := httptest.NewServer(newFake())
	address := server.Listener.Addr().String()
	client, err := Connect(t.Context(), Options{Address: address, PlainText: true, Username: "admin", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("not done after 10m")
	tries := 0
	client.http.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		if tries++; tries == 2 {
			cancel(cause)
		}
		return nil, errors.New("connection refused")
	}
	err = client.Until(ctx, synced, nil)
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v, want the cause, and what kept it from an answer", err)
	}
}

func TestConnectSaysWhatIsWrong(t *testing.T) {
	plain := httptest.NewServer(newFake())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(newFake())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // clients refuse its certificate
	secure.StartTLS()
	defer secure.Close()
	redirects := httptest.NewServer(http.RedirectHandler("https://argocd.example/", http.StatusTemporaryRedirect))
	defer redirects.Close()
	address := func(server *httptest.Server) string { return server.Listener.Addr().String() }
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	for _, test := range []struct {
		options Options
		want    string // empty if it is to succeed
	}{
		{Options{Address: address(plain), PlainText: true, Password: "secret"}, ""},
		{Options{Address: address(secure), CA: authority, Password: "secret"}, ""},
		{Options{Address: address(plain), PlainText: true, Password: "wrong"}, "Invalid username or password: want"},
		{Options{Address: address(secure), Password: "secret"}, "want the authority that its certificate comes from"},
		{Options{Address: address(secure), CA: authority, ServerName: "elsewhere.test", Password: "secret"}, "want the name"},
		{Options{Address: address(secure), CA: []byte("none"), Password: "secret"}, "want PEM"},
		{Options{Address: address(plain), CA: authority, Password: "secret"}, "it serves without TLS"},
		{Options{Address: address(redirects), PlainText: true, Password: "secret"}, "it serves with TLS"},
	} {
		test.options.Username = "admin"
		client, err := Connect(t.Context(), test.options)
		switch {
		case err == nil && test.want == "":
			_ = client.Close()
		case err == nil || test.want == "" || !strings.Contains(err.Error(), test.want),
			!strings.Contains(err.Error(), test.options.Address):
			t.Errorf("%+v: error %v, want %q and the address", test.options, err, test.want)
		}
	}
}

func TestErrorsDoNotTellThePassword(t *testing.T) {
	server := httptest.NewServer(newFake())
	defer server.Close()
	_, err := Connect(t.Context(), Options{
		Address: server.Listener.Addr().String(), PlainText: true, Username: "admin", Password: "wrong-password",
	})
	if err == nil || strings.Contains(err.Error(), "wrong-password") {
		t.Errorf("error %v", err)
	}
}
