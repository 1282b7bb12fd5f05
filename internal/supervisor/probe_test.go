package supervisor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// server answers 200 with the certificate of files; to clients with a certificate only, if clients is true.
func server(t *testing.T, files certificates, clients bool) *httptest.Server {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.serverCert, files.serverKey)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of handshakes that are to fail
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients {
		pem, err := os.ReadFile(files.ca)
		if err != nil {
			t.Fatal(err)
		}
		s.TLS.ClientAuth, s.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		s.TLS.ClientCAs.AppendCertsFromPEM(pem)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestProbesSucceedOnlyWithTheRightServer(t *testing.T) {
	files, others := newCertificates(t), newCertificates(t)
	open, closed := server(t, files, false), server(t, files, true)
	openAt, closedAt := open.Listener.Addr().String(), closed.Listener.Addr().String()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never speaks TLS
	if err != nil {
		t.Fatal(err)
	}
	_ = silent.Close()

	tests := map[string]struct {
		probe Probe
		want  string // part of the failure; none: it succeeds
	}{
		"https": {probe: Probe{URL: open.URL, CA: files.ca, ServerName: "localhost"}},
		"https with a client certificate": {
			probe: Probe{URL: closed.URL, CA: files.ca, ServerName: "localhost", Cert: files.clientCert, Key: files.clientKey},
		},
		"https without a client certificate": {
			probe: Probe{URL: closed.URL, CA: files.ca, ServerName: "localhost"}, want: "certificate required",
		},
		"another authority": {
			probe: Probe{URL: open.URL, CA: others.ca, ServerName: "localhost"}, want: "unknown authority",
		},
		"the machine's authorities": {probe: Probe{URL: open.URL, ServerName: "localhost"}, want: "unknown authority"},
		"another name":              {probe: Probe{URL: open.URL, CA: files.ca, ServerName: "else"}, want: "not else"},
		"any certificate":           {probe: Probe{URL: open.URL, SkipVerify: true}},
		"tls":                       {probe: Probe{Connect: "tls://" + openAt, CA: files.ca, ServerName: "localhost"}},
		"tls, another authority": {
			probe: Probe{Connect: "tls://" + openAt, CA: others.ca, ServerName: "localhost"}, want: "unknown authority",
		},
		"tcp":                 {probe: Probe{Connect: "tcp://" + closedAt}},
		"tcp, nobody listens": {probe: Probe{Connect: "tcp://" + silent.Addr().String()}, want: "connection refused"},
		"no CA file yet":      {probe: Probe{URL: open.URL, CA: "/does/not/exist"}, want: "reading the probe's CA"},
		"an empty CA file":    {probe: Probe{URL: open.URL, CA: os.DevNull}, want: "want certificates in PEM form"},
		"no client certificate yet": {
			probe: Probe{URL: open.URL, Cert: "/does/not/exist", Key: "/x"}, want: "reading the probe's client certificate",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			asker := newAsker(&test.probe)
			defer asker.close()
			err := asker.ask(within(t))
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestAProbeGoesThroughAUnixSocket(t *testing.T) {
	files := newCertificates(t)
	socket := filepath.Join(files.dir, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	_ = s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	probe := Probe{URL: "http://localhost/healthz", Socket: socket}
	if err := probe.await(within(t), func(err error) { t.Error(err) }); err != nil {
		t.Error(err)
	}
}

func TestAProbeAsksAgainOnOneConnectionUntilTheAnswerIs200(t *testing.T) {
	var asked, connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			http.Error(w, "still loading\n"+strings.Repeat("x", 5000), http.StatusServiceUnavailable)
		case 2:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	var failures []string
	probe := Probe{URL: s.URL}
	if err := probe.await(within(t), func(err error) { failures = append(failures, err.Error()) }); err != nil {
		t.Fatal(err)
	}
	if len(failures) != 2 || failures[0] != s.URL+": 503 Service Unavailable: still loading" {
		t.Errorf("got %q", failures)
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("got %d connections, want 1", got)
	}
}

func TestAProbeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	probe := Probe{Connect: "tcp://127.0.0.1:1"}
	if err := probe.await(ctx, func(error) { cancel() }); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

func TestWhatComesAfterAReadyProcessIsStartedAfterIt(t *testing.T) {
	j := newJournal(t)
	c := supervise(t, t.TempDir())
	chain := []Process{j.process("p0", "sleeper")}
	for i := range 10 {
		chain = append(chain, j.process(fmt.Sprintf("p%d", i+1), "sleeper").after(fmt.Sprintf("p%d", i)))
	}
	apply(t, c, chain...)
	untilReady(t, c)
	list, err := c.Status(within(t))
	if err != nil {
		t.Fatal(err)
	}
	shortest := time.Hour
	for i, s := range list[1:] {
		shortest = min(shortest, s.Since.Sub(list[i].Since))
	}
	if shortest < 0 {
		t.Errorf("a process was started %v before the one that it comes after", -shortest)
	}
	t.Logf("the shortest time between two processes is %v", shortest) // about a millisecond, most of it fork and exec
}

func TestProbesThatCannotBeAreRefused(t *testing.T) {
	for want, probe := range map[string]Probe{
		"want either url or connect":           {},
		"want both cert and key":               {URL: "https://localhost", Cert: "/x"},
		`"ftp://localhost": want https://host`: {URL: "ftp://localhost"},
		`"localhost:80": want tcp://host`:      {Connect: "localhost:80"},
		"want a port":                          {Connect: "tcp://localhost"},
		"and no socket":                        {Connect: "tcp://localhost:1", Socket: "/x"},
	} {
		if err := probe.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for _, probe := range []Probe{{URL: "http://localhost"}, {Connect: "tls://[::1]:443"}} {
		if err := probe.validate(); err != nil {
			t.Error(err)
		}
	}
}
