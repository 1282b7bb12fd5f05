package kube

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

// apiServer has pods, and forwards to any port of one, where it answers a line with the pod's name, the port and the
// line.
type apiServer struct {
	t          *testing.T
	client     *Client
	webSockets bool // whether it takes those

	mutex       sync.Mutex
	pods        []*corev1.Pod
	unreachable string                           // the pod that nothing gets through to
	connections map[string]httpstream.Connection // by the pod
	upgrades    []string                         // how pods were connected to
}

func newAPIServer(t *testing.T, webSockets bool, pods ...*corev1.Pod) *apiServer {
	s := &apiServer{t: t, webSockets: webSockets, pods: pods, connections: map[string]httpstream.Connection{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/namespaces/box/pods", s.list)
	mux.HandleFunc("/api/v1/namespaces/box/pods/{pod}/portforward", s.forward)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	client, err := NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	s.client = client
	return s
}

func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Has("watch") {
		return // it ends at once, as it does when an API server restarts
	}
	list := corev1.PodList{}
	list.APIVersion, list.Kind = "v1", "PodList"
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, pod := range s.pods {
		if r.URL.Query().Get("labelSelector") == "app="+pod.Labels["app"] {
			list.Items = append(list.Items, *pod)
		}
	}
	if err := json.NewEncoder(w).Encode(list); err != nil {
		s.t.Error(err)
	}
}

func (s *apiServer) forward(w http.ResponseWriter, r *http.Request) {
	pod := r.PathValue("pod")
	handle := func(stream httpstream.Stream, replied <-chan struct{}) error {
		go s.serve(pod, stream, replied)
		return nil
	}
	var connection httpstream.Connection
	switch {
	case !websocket.IsWebSocketUpgrade(r):
		if _, err := httpstream.Handshake(r, w, []string{portforward.PortForwardProtocolV1Name}); err != nil {
			s.t.Error(err)
		}
		connection = spdy.NewResponseUpgrader().UpgradeResponse(w, r, handle)
	case s.webSockets:
		upgrader := websocket.Upgrader{Subprotocols: websocket.Subprotocols(r)}
		raw, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			s.t.Error(err)
			return
		}
		if connection, err = spdy.NewServerConnection(portforward.NewTunnelingConnection(pod, raw), handle); err != nil {
			s.t.Error(err)
			return
		}
	default:
		http.Error(w, "no WebSockets here", http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	s.connections[pod] = connection
	s.upgrades = append(s.upgrades, r.Header.Get("Upgrade"))
	s.mutex.Unlock()
	<-connection.CloseChan()
}

func (s *apiServer) serve(pod string, stream httpstream.Stream, replied <-chan struct{}) {
	<-replied
	s.mutex.Lock()
	unreachable := s.unreachable == pod
	s.mutex.Unlock()
	kind := stream.Headers().Get(corev1.StreamType)
	if unreachable && kind == corev1.StreamTypeError {
		_, _ = io.WriteString(stream, "failed to find sandbox")
	}
	if !unreachable && kind == corev1.StreamTypeData {
		line := make([]byte, 1<<10)
		n, _ := stream.Read(line)
		_, _ = io.WriteString(stream, pod+":"+stream.Headers().Get(corev1.PortHeader)+":"+string(line[:n]))
	}
	_ = stream.Close()
}

// connectedWith returns how pods were connected to.
func (s *apiServer) connectedWith() []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return slices.Clone(s.upgrades)
}

// remove deletes a pod and ends what leads to it.
func (s *apiServer) remove(name string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	kept := s.pods[:0]
	for _, pod := range s.pods {
		if pod.Name != name {
			kept = append(kept, pod)
		}
	}
	s.pods = kept
	_ = s.connections[name].Close()
}

// ask says something to what listens at address, and returns the answer.
func ask(ctx context.Context, address, text string) (string, error) {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = connection.Close() }()
	if _, err := io.WriteString(connection, text); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(connection)
	return string(answer), err
}

func TestForwardLeadsToThePodWithOrWithoutWebSockets(t *testing.T) {
	for upgrade, webSockets := range map[string]bool{"websocket": true, "SPDY/3.1": false} {
		s := newAPIServer(t, webSockets, readyPod("other", "other"), readyPod("web-1", "web"))
		forward, err := s.client.Forward(t.Context(), "box", "app=web", 3000)
		if err != nil {
			t.Fatalf("%s: %v", upgrade, err)
		}
		for range 2 {
			if answer, err := ask(t.Context(), forward.Address(), "hello"); err != nil || answer != "web-1:3000:hello" {
				t.Errorf("%s: got %q, %v: want the answer of port 3000 of web-1", upgrade, answer, err)
			}
		}
		forward.Close()
		if got := s.connectedWith(); len(got) != 1 || got[0] != upgrade {
			t.Errorf("connected with %q, want one %s", got, upgrade)
		}
		if _, err := ask(t.Context(), forward.Address(), "hello"); err == nil {
			t.Errorf("%s: something listens at %s after closing", upgrade, forward.Address())
		}
	}
}

func TestForwardLeadsToAnotherPodOnceItsOwnIsGone(t *testing.T) {
	older := readyPod("web-1", "web")
	newer := readyPod("web-2", "web")
	newer.CreationTimestamp.Time = older.CreationTimestamp.Add(time.Minute)
	s := newAPIServer(t, true, newer, older)
	forward, err := s.client.Forward(t.Context(), "box", "app=web", 3000)
	if err != nil {
		t.Fatal(err)
	}
	defer forward.Close()
	if answer, err := ask(t.Context(), forward.Address(), "hello"); err != nil || answer != "web-2:3000:hello" {
		t.Fatalf("got %q, %v: want the answer of the newest pod", answer, err)
	}
	s.remove("web-2")
	var answer string
	for range 2 { // that the connection is lost is seen when something is to go through it
		if answer, err = ask(t.Context(), forward.Address(), "hello"); answer != "" {
			break
		}
	}
	if answer != "web-1:3000:hello" {
		t.Errorf("got %q, %v: want the answer of the pod that is left", answer, err)
	}
}

func TestForwardLooksForAnotherPodWhenItsOwnCannotBeReached(t *testing.T) {
	s := newAPIServer(t, true, readyPod("web-1", "web"))
	forward, err := s.client.Forward(t.Context(), "box", "app=web", 3000)
	if err != nil {
		t.Fatal(err)
	}
	defer forward.Close()
	s.mutex.Lock()
	s.unreachable, s.pods = "web-1", []*corev1.Pod{readyPod("web-2", "web")}
	s.mutex.Unlock()
	if answer, _ := ask(t.Context(), forward.Address(), "hello"); answer != "" {
		t.Fatalf("got %q of a pod that cannot be reached", answer)
	}
	if answer, err := ask(t.Context(), forward.Address(), "hello"); answer != "web-2:3000:hello" {
		t.Errorf("got %q, %v: want the answer of the other pod", answer, err)
	}
}

func TestForwardEndsWithItsContext(t *testing.T) {
	s := newAPIServer(t, true, readyPod("web-1", "web"))
	ctx, cancel := context.WithCancel(t.Context())
	forward, err := s.client.Forward(ctx, "box", "app=web", 3000)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	forward.serving.Wait()
	if _, err := ask(t.Context(), forward.Address(), "hello"); err == nil {
		t.Errorf("something listens at %s after the context's end", forward.Address())
	}
}

func TestForwardSaysWhatThePodsAre(t *testing.T) {
	for want, pods := range map[string][]*corev1.Pod{
		"there is no pod": nil,
		"pod web-1 (Deployment web), container main: CrashLoopBackOff": {crashingPod("web-1", "web")},
		"pod web-1: it is being deleted":                               {deletedPod("web-1", "web")},
	} {
		s := newAPIServer(t, true, pods...)
		_, err := s.client.Forward(t.Context(), "box", "app=web", 3000)
		if err == nil {
			t.Errorf("no error, want %q", want)
			continue
		}
		for _, part := range []string{want, "box", "app=web", "3000"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not name %q", err, part)
			}
		}
	}
}

func TestForwardObeysItsContextWhileItConnects(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Base(r.URL.Path) == "portforward" {
			cancel(cause)
			<-hang
			return
		}
		w.Header().Set("Content-Type", "application/json")
		list := corev1.PodList{Items: []corev1.Pod{*readyPod("web-1", "web")}}
		list.APIVersion, list.Kind = "v1", "PodList"
		_ = json.NewEncoder(w).Encode(list)
	}))
	defer server.Close()
	defer close(hang)
	client, err := NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Forward(ctx, "box", "app=web", 3000); !errors.Is(err, cause) {
		t.Errorf("error %v, want the cause of the context's end", err)
	}
}
