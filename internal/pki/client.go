package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

// HTTPClient makes a client that trusts the authority ca alone and, unless name is empty, shows the certificate called
// name.
func (d Dir) HTTPClient(ca, name string) (*http.Client, error) {
	pem, err := os.ReadFile(d.Cert(ca))
	if err != nil {
		return nil, fmt.Errorf("reading the authority %s: %w", ca, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading %s: it holds no certificate", d.Cert(ca))
	}
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if name != "" {
		pair, err := tls.LoadX509KeyPair(d.Cert(name), d.Key(name))
		if err != nil {
			return nil, fmt.Errorf("reading the certificate of %s: %w", name, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}
