// Package pki makes the certificate authorities, certificates and keys of a hub that runs on this machine. Everything
// lies in one folder as PEM files that only their owner can read; what is there and still valid is kept, so that a second
// install changes nothing.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/back-stack/backstack/internal/atomicfile"
)

const (
	// lifetime is that of everything made here: a hub on this machine is reinstalled or restarted long before.
	lifetime = 10 * 365 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is made anew.
	renewBefore = 30 * 24 * time.Hour
	// skew is how far back a certificate's validity starts, for clocks that are set back a little.
	skew = 5 * time.Minute
)

// Dir is a folder of certificates and keys: NAME.crt and NAME.key.
type Dir string

// Cert and Key are the paths of the certificate and of the key called name.
func (d Dir) Cert(name string) string { return filepath.Join(string(d), name+".crt") }

// Key is the path of the private key called name.
func (d Dir) Key(name string) string { return filepath.Join(string(d), name+".key") }

// Authority is a certificate authority of its own: nothing but what a hub makes trusts it.
type Authority struct {
	dir  Dir
	name string
	cert *x509.Certificate
	key  crypto.Signer
}

// Leaf says what a certificate is for. A server certificate has Hosts; a client certificate has none unless it is both.
type Leaf struct {
	Name          string   // its files' name
	CommonName    string   // the subject's common name: for a Kubernetes client, the user
	Organizations []string // the subject's organizations: for a Kubernetes client, the groups
	Hosts         []string // DNS names and IP addresses that a server answers to
	Client        bool     // whether it may be used to authenticate as a client
}

// Authority returns the authority called name, made if there is none.
func (d Dir) Authority(name string) (*Authority, error) {
	if cert, key, err := d.load(name); err == nil && time.Now().Add(renewBefore).Before(cert.NotAfter) {
		return &Authority{dir: d, name: name, cert: cert, key: key}, nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	cert, key, err := d.make(name, template, nil)
	if err != nil {
		return nil, err
	}
	return &Authority{dir: d, name: name, cert: cert, key: key}, nil
}

// Issue makes the certificate that leaf asks for, unless a valid one with the same subject, hosts and authority is there.
func (a *Authority) Issue(leaf Leaf) error {
	if cert, _, err := a.dir.load(leaf.Name); err == nil && a.serves(cert, leaf) {
		return nil
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	template := &x509.Certificate{
		Subject:  pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Organizations},
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	for _, host := range leaf.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if len(leaf.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if leaf.Client {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	_, _, err := a.dir.make(leaf.Name, template, a)
	return err
}

// serves says whether cert is still what leaf asks for and is signed by a.
func (a *Authority) serves(cert *x509.Certificate, leaf Leaf) bool {
	for _, host := range leaf.Hosts {
		if cert.VerifyHostname(host) != nil {
			return false
		}
	}
	return cert.CheckSignatureFrom(a.cert) == nil &&
		time.Now().Add(renewBefore).Before(cert.NotAfter) &&
		cert.Subject.CommonName == leaf.CommonName &&
		slices.Equal(cert.Subject.Organization, leaf.Organizations) &&
		leaf.Client == slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

// SigningKey makes a key pair for signing tokens, NAME.key and NAME.pub, unless it is there.
func (d Dir) SigningKey(name string) error {
	public := filepath.Join(string(d), name+".pub")
	if _, err := os.Stat(public); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making the key %s: %w", name, err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encoding the public key %s: %w", name, err)
	}
	// The public key is written last: it says that the pair is complete.
	if err := d.writeKey(name, key); err != nil {
		return err
	}
	return atomicfile.Write(public, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600)
}

// make creates a key and the certificate for it, signed by parent, or by itself where parent is nil.
func (d Dir) make(name string, template *x509.Certificate, parent *Authority) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making the key of %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, fmt.Errorf("making the serial number of %s: %w", name, err)
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-skew)
	template.NotAfter = time.Now().Add(lifetime)
	issuer, signer := template, crypto.Signer(key)
	if parent != nil {
		issuer, signer = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		return nil, nil, fmt.Errorf("signing the certificate of %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("reading back the certificate of %s: %w", name, err)
	}
	// The certificate is written last: a key without one is made anew.
	if err := d.writeKey(name, key); err != nil {
		return nil, nil, err
	}
	if err := atomicfile.Write(d.Cert(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, nil, err
	}
	return cert, key, nil
}

func (d Dir) writeKey(name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key of %s: %w", name, err)
	}
	return atomicfile.Write(d.Key(name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// load reads the certificate and key called name. A pair that does not match, as after a kill between the two writes,
// counts as absent.
func (d Dir) load(name string) (*x509.Certificate, crypto.Signer, error) {
	certPEM, err := os.ReadFile(d.Cert(name))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the certificate of %s: %w", name, err)
	}
	keyPEM, err := os.ReadFile(d.Key(name))
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key of %s: %w", name, err)
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, fmt.Errorf("reading %s and %s: not PEM; remove both to have them made anew", d.Cert(name), d.Key(name))
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", d.Cert(name), err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", d.Key(name), err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, fmt.Errorf("reading %s: want an ECDSA key, got %T", d.Key(name), parsed)
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("the key and the certificate of %s do not match: %w", name, os.ErrNotExist)
	}
	return cert, key, nil
}
