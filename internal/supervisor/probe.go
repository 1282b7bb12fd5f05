package supervisor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Probe finds out whether a process does its work. Either URL or Connect is set.
type Probe struct {
	// URL is fetched, with https or http; the process is ready when the answer is 200.
	URL string `json:"url,omitempty"`
	// Socket is the path of the Unix socket to fetch URL through, instead of TCP to URL's host.
	Socket string `json:"socket,omitempty"`
	// Connect is "tcp://host:port" or "tls://host:port"; the process is ready when a connection, and with tls the
	// handshake on it, succeeds.
	Connect string `json:"connect,omitempty"`
	// CA is the path of a PEM file with the authorities that the server's certificate must come from; the machine's if
	// empty. It, Cert and Key are read when the process runs: it may write them itself.
	CA string `json:"ca,omitempty"`
	// Cert and Key are the paths of PEM files with the client certificate to show, if the server asks for one.
	Cert string `json:"cert,omitempty"`
	Key  string `json:"key,omitempty"`
	// ServerName is the name to expect in the server's certificate; the host of URL or Connect if empty.
	ServerName string `json:"serverName,omitempty"`
	// SkipVerify takes any server certificate, for programs that make their own and keep it to themselves. With the
	// probe goes no credential but the possession of Key, so what is at stake is only whether "ready" is true.
	SkipVerify bool `json:"skipVerify,omitempty"`
}

const (
	probeShortest = 5 * time.Millisecond
	probeLongest  = 100 * time.Millisecond
	probeTimeout  = 5 * time.Second // of one try
)

func (p *Probe) validate() error {
	if (p.URL == "") == (p.Connect == "") {
		return errors.New("want either url or connect")
	}
	if (p.Cert == "") != (p.Key == "") {
		return errors.New("want both cert and key, or neither")
	}
	target, schemes := p.URL, []string{"https", "http"}
	if p.Connect != "" {
		target, schemes = p.Connect, []string{"tcp", "tls"}
	}
	parsed, err := url.Parse(target)
	if err != nil || parsed.Host == "" || (parsed.Scheme != schemes[0] && parsed.Scheme != schemes[1]) {
		return fmt.Errorf("%q: want %s://host or %s://host", target, schemes[0], schemes[1])
	}
	if p.Connect != "" && (parsed.Port() == "" || p.Socket != "") {
		return fmt.Errorf("connect %q: want a port, and no socket", target)
	}
	return nil
}

// await tries until the process answers or ctx ends, which is the only error. Programs give no sign when they begin to
// listen, so this asks again and again: at first every 5 ms, and with a pause that grows with the time already spent,
// which keeps what is lost by pausing to a few percent. Every failed try is told to failed.
func (p *Probe) await(ctx context.Context, failed func(error)) error {
	asker := newAsker(p)
	defer asker.close()
	begun := time.Now()
	for {
		err := asker.ask(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		failed(err)
		if !sleep(ctx, min(max(time.Since(begun)/16, probeShortest), probeLongest)) {
			return ctx.Err()
		}
	}
}

// asker keeps what tries of one probe share: a connection that answered once with something else than 200 is used
// again, which spares the program a TLS handshake per try.
type asker struct {
	probe  *Probe
	client *http.Client // nil until its certificates could be read
}

func newAsker(p *Probe) *asker { return &asker{probe: p} }

func (a *asker) close() {
	if a.client != nil {
		a.client.CloseIdleConnections()
	}
}

func (a *asker) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if a.probe.Connect != "" {
		return a.probe.connect(ctx)
	}
	return a.fetch(ctx)
}

func (a *asker) fetch(ctx context.Context) error {
	if a.client == nil {
		client, err := a.probe.httpClient()
		if err != nil {
			return err
		}
		a.client = client
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.probe.URL, nil)
	if err != nil {
		return err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", a.probe.URL, withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusOK {
		return nil
	}
	body := bufio.NewReader(io.LimitReader(response.Body, 64<<10))
	line, _ := body.ReadString('\n')
	_, _ = io.Copy(io.Discard, body) // a connection is used again only when its answer was read to the end
	return fmt.Errorf("%s: %s: %s", a.probe.URL, response.Status, shorten(strings.TrimSpace(line), 120))
}

// withoutURL strips the method and URL that http.Client puts before an error.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func shorten(s string, length int) string {
	if len(s) <= length {
		return s
	}
	return strings.ToValidUTF8(s[:length], "") + "..."
}

func (p *Probe) httpClient() (*http.Client, error) {
	config, err := p.tlsConfig()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: config, MaxIdleConns: 1}
	if p.Socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", p.Socket)
		}
	}
	noRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{Transport: transport, CheckRedirect: noRedirects}, nil
}

func (p *Probe) connect(ctx context.Context) error {
	target, err := url.Parse(p.Connect)
	if err != nil {
		return err
	}
	var conn net.Conn
	if target.Scheme == "tls" {
		config, configErr := p.tlsConfig()
		if configErr != nil {
			return configErr
		}
		conn, err = (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", target.Host)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", target.Host)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Connect, err)
	}
	return conn.Close()
}

func (p *Probe) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: p.ServerName, InsecureSkipVerify: p.SkipVerify}
	if p.CA != "" {
		pem, err := os.ReadFile(p.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the probe's CA: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the probe's CA: %s: want certificates in PEM form", p.CA)
		}
	}
	if p.Cert != "" {
		pair, err := tls.LoadX509KeyPair(p.Cert, p.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the probe's client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
