// Package argocd is a client of Argo CD's API: it logs in, and lists and watches Applications where the Kubernetes API
// with their custom resources is not to be had, or does not say enough.
//
// It speaks the JSON form of the API, which argocd-server serves on the same port as gRPC, and of Argo CD's own
// packages it takes those that come without its types: with them, and the Kubernetes and kubectl that they bring along,
// every command of backstack would start twice as slowly.
package argocd

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/argoproj/argo-cd/v3/pkg/apiclient/session"
)

// requestTimeout bounds a single request that is not a watch.
const requestTimeout = 30 * time.Second

// Options say where an Argo CD is, and who asks.
type Options struct {
	Address    string // of argocd-server, HOST:PORT
	PlainText  bool   // whether it serves without TLS, as it does with server.insecure
	CA         []byte // PEM of the authority that its certificate comes from; the machine's if empty
	ServerName string // that its certificate is for; the address's host if empty
	Username   string
	Password   string
}

// Client talks to one Argo CD. It can be used by several goroutines at once.
type Client struct {
	options Options
	base    string // the URL of the API
	http    *http.Client

	mutex sync.Mutex
	token string // of the session
}

// Connect logs in to an Argo CD. It does not wait for one that is not there yet.
func Connect(ctx context.Context, o Options) (*Client, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: requestTimeout}
	c := &Client{options: o, base: "http://" + o.Address + "/api/v1/", http: &http.Client{Transport: transport}}
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if !o.PlainText {
		c.base = "https://" + o.Address + "/api/v1/"
		transport.TLSClientConfig = &tls.Config{ServerName: o.ServerName, RootCAs: x509.NewCertPool()}
		if len(o.CA) == 0 {
			transport.TLSClientConfig.RootCAs = nil
		} else if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(o.CA) {
			return nil, fmt.Errorf("connecting to Argo CD at %s: the authority has no certificate: want PEM", o.Address)
		}
	}
	if err := c.login(ctx); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the connections that no request uses.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// loginError says that Argo CD does not take the account's name and password, so that to ask again is of no use.
type loginError struct{ err error }

func (e *loginError) Error() string { return e.err.Error() }

func (e *loginError) Unwrap() error { return e.err }

// answerError is an answer other than 200.
type answerError struct {
	status  int
	message string
}

func (e *answerError) Error() string { return e.message }

// login makes a session. Sessions end after a day, and when the server gets another key.
func (c *Client) login(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	body, err := json.Marshal(session.SessionCreateRequest{Username: c.options.Username, Password: c.options.Password})
	if err != nil {
		return err
	}
	var made session.SessionResponse
	answer, err := c.send(ctx, http.MethodPost, "session", body)
	if err == nil {
		err = json.NewDecoder(answer).Decode(&made)
		_ = answer.Close()
	}
	if err != nil {
		err = fmt.Errorf("logging in to Argo CD at %s as %s: %w", c.options.Address, c.options.Username, explain(err))
		if is(err, http.StatusUnauthorized) || is(err, http.StatusForbidden) {
			return &loginError{err}
		}
		return err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.token = made.Token
	return nil
}

// get asks for what is at path below the API's URL, and logs in again if the session has ended.
func (c *Client) get(ctx context.Context, path string) (io.ReadCloser, error) {
	answer, err := c.send(ctx, http.MethodGet, path, nil)
	if !is(err, http.StatusUnauthorized) {
		return answer, err
	}
	if err := c.login(ctx); err != nil {
		return nil, err
	}
	return c.send(ctx, http.MethodGet, path, nil)
}

// send makes one request. Whoever gets the answer closes it.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	c.mutex.Unlock()
	request.Header.Set("User-Agent", "backstack")
	request.Header.Set("Content-Type", "application/json") // which Argo CD demands, against forged requests
	answer, err := c.http.Do(request)
	if transport := new(url.Error); errors.As(err, &transport) {
		return nil, transport.Err // the address is named already
	}
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusOK {
		return answer.Body, nil
	}
	defer func() { _ = answer.Body.Close() }()
	return nil, readError(answer)
}

// readError reads an answer that is not what was asked for.
func readError(answer *http.Response) error {
	fault := &answerError{status: answer.StatusCode, message: "it answers with " + answer.Status}
	if to := answer.Header.Get("Location"); to != "" {
		fault.message += " to " + to
	}
	var body struct {
		Message string `json:"message"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&body); err == nil && body.Message != "" {
		fault.message = body.Message
	}
	return fault
}

// is says whether err is an answer with that status.
func is(err error, status int) bool {
	answer := new(answerError)
	return errors.As(err, &answer) && answer.status == status
}

// explain says of a failed login what would be right.
func explain(err error) error {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		answer   *answerError
	)
	isAnswer := errors.As(err, &answer)
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: want the authority that its certificate comes from", err)
	case errors.As(err, &hostname):
		return fmt.Errorf("%w: want the name that its certificate is for", err)
	case isAnswer && answer.status == http.StatusUnauthorized:
		return fmt.Errorf("%w: want the name and password of an account of this Argo CD that may log in", err)
	case isAnswer && strings.Contains(answer.message, " to https://"):
		return fmt.Errorf("%w: it serves with TLS", err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%w: it serves without TLS", err)
	}
	return err
}
