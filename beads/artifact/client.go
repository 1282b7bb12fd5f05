package artifact

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"

	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// Options says how registries are reached. Credentials are those of the Docker configuration: config.json in
// $DOCKER_CONFIG or ~/.docker, and the credential helpers that it names.
type Options struct {
	// CA is PEM of the authorities to trust besides the machine's.
	CA []byte
}

// repository returns the client for the repository of ref.
func repository(ctx context.Context, ref Reference, o Options) (*remote.Repository, error) {
	transport, err := newTransport(o.CA)
	if err != nil {
		return nil, err
	}
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading the Docker configuration: %w", err)
	}
	return &remote.Repository{
		Reference: ref.Reference,
		PlainHTTP: speaksPlainHTTP(ctx, ref.Host(), transport),
		Client: &auth.Client{
			Client:     &http.Client{Transport: retry.NewTransport(transport)},
			Header:     http.Header{"User-Agent": {"backstack"}},
			Credential: credentials.Credential(store),
			Cache:      auth.NewCache(),
		},
		MaxMetadataBytes:     maxMetadata,
		TagListMaxPages:      maxPages,
		ReferrerListMaxPages: maxPages,
	}, nil
}

// What a registry may answer at most when it is asked for tags or signatures: pages, and bytes of one.
const (
	maxPages    = 100
	maxMetadata = 4 << 20
)

// newTransport trusts the machine's authorities and those of ca.
func newTransport(ca []byte) (http.RoundTripper, error) {
	base, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		base = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	transport := base.Clone()
	if len(ca) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("reading this machine's certificate authorities: %w", err)
		}
		if !roots.AppendCertsFromPEM(ca) {
			return nil, errors.New("reading the certificate authority of the registry: want PEM with a CERTIFICATE")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return encrypted{transport}, nil
}

// encrypted keeps plain HTTP on this machine, wherever a registry redirects to or asks to fetch a token from.
type encrypted struct{ http.RoundTripper }

// RoundTrip refuses a request that others could read.
func (e encrypted) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Scheme != "https" && !isLoopback(request.URL.Hostname()) {
		return nil, fmt.Errorf("refusing to ask %s over plain HTTP: want https, except on this machine", request.URL.Host)
	}
	return e.RoundTripper.RoundTrip(request)
}

// speaksPlainHTTP says whether a registry on this machine has no TLS. Others are not even asked.
func speaksPlainHTTP(ctx context.Context, host string, transport http.RoundTripper) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+host+"/v2/", nil)
	if err != nil || !isLoopback(request.URL.Hostname()) {
		return false
	}
	client := http.Client{Transport: transport}
	response, err := client.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	return errors.Is(err, http.ErrSchemeMismatch)
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
