package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/proto"
)

func TestOnlyCallersWithThePasswordAreServed(t *testing.T) {
	addr, config := serve(t)
	client := dial(t, addr, config)
	if got := do(t, client, "SET", "key", "value"); !strings.Contains(got, "NOAUTH") {
		t.Fatalf("SET without a password: %q, want NOAUTH", got)
	}
	if got := do(t, client, "AUTH", "wrong"); !strings.Contains(got, "WRONGPASS") {
		t.Fatalf("AUTH with a wrong password: %q, want WRONGPASS", got)
	}
	if got := do(t, client, "AUTH", "secret"); got != proto.Inline("OK") {
		t.Fatalf("AUTH: %q, want OK", got)
	}
	if got := do(t, client, "SET", "key", "value"); got != proto.Inline("OK") {
		t.Fatalf("SET: %q, want OK", got)
	}
}

func TestPlainTextIsNotServed(t *testing.T) {
	addr, _ := serve(t)
	client, err := proto.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if got, err := client.Do("PING"); err == nil {
		t.Fatalf("PING without TLS was answered: %q", got)
	}
}

func TestKeysExpire(t *testing.T) {
	addr, config := serve(t)
	client := dial(t, addr, config)
	do(t, client, "AUTH", "secret")
	do(t, client, "SET", "key", "value", "PX", "100")
	for range time.Tick(100 * time.Millisecond) { // until the test's own timeout
		if do(t, client, "GET", "key") == proto.Nil {
			return
		}
	}
}

func TestUnusableFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := certificate(t, dir)
	none := filepath.Join(dir, "none")
	for name, o := range map[string]options{
		"no certificate":    {certFile: none, keyFile: key, passwordFile: write(t, dir, "pw", "secret")},
		"an empty password": {certFile: cert, keyFile: key, passwordFile: write(t, dir, "empty", "\n")},
		"no password":       {certFile: cert, keyFile: key, passwordFile: none},
	} {
		o.addr = "127.0.0.1:0"
		if err := o.run(t.Context(), io.Discard); err == nil {
			t.Errorf("%s: it served", name)
		}
	}
}

// serve runs a server until the test ends, and returns its address and what a client needs to trust it.
func serve(t *testing.T) (addr string, config *tls.Config) {
	t.Helper()
	dir := t.TempDir()
	cert, key, pool := certificate(t, dir)
	o := options{addr: "127.0.0.1:0", certFile: cert, keyFile: key, passwordFile: write(t, dir, "password", "secret\n")}

	ctx, stop := context.WithCancel(context.Background())
	log, logged := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- o.run(ctx, logged)
		_ = logged.Close()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(log).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "serving Redis on ")), &tls.Config{RootCAs: pool}
}

func dial(t *testing.T, addr string, config *tls.Config) *proto.Client {
	t.Helper()
	client, err := proto.DialTLS(addr, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func do(t *testing.T, client *proto.Client, command ...string) string {
	t.Helper()
	answer, err := client.Do(command...)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func certificate(t *testing.T, dir string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	pool.AppendCertsFromPEM(certPEM)
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	return write(t, dir, "cert.pem", string(certPEM)), write(t, dir, "key.pem", string(keyPEM)), pool
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
