package existing

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// checkWith checks the context of a kubeconfig.
func checkWith(t *testing.T, kubeconfig, context string) error {
	t.Helper()
	return New(Options{Name: "h", Dir: t.TempDir(), Kubeconfig: kubeconfig, Context: context}).Check(t.Context())
}

func TestCheckFindsFaultsOfKubeconfigs(t *testing.T) {
	dir := t.TempDir()
	good := writeKubeconfig(t, "https://127.0.0.1:1", "", "token: x")
	empty, broken, half := filepath.Join(dir, "empty"), filepath.Join(dir, "broken"), filepath.Join(dir, "half")
	writeFile(t, empty, "")
	writeFile(t, broken, "clusters: {")
	writeFile(t, half, "{apiVersion: v1, kind: Config, contexts: [{name: a, context: {cluster: gone, user: nobody}}]}")
	both := func(paths ...string) string { return strings.Join(paths, string(os.PathListSeparator)) }
	for name, test := range map[string]struct {
		kubeconfig, context string
		faults              []string
	}{
		"missing":          {filepath.Join(dir, "none"), "prod", []string{filepath.Join(dir, "none"), "no such file"}},
		"a folder":         {dir, "prod", []string{dir, "is a directory"}},
		"malformed":        {both(good, broken), "prod", []string{"reading the kubeconfig " + broken}},
		"no context there": {empty, "prod", []string{empty, "has none"}},
		"no context named": {good, "", []string{"none is named", "want one of other, prod"}},
		"unknown context":  {good, "prd", []string{`"prd"`, good, "want one of other, prod (did you mean prod?)"}},
		"dangling":         {half, "a", []string{`user "nobody" was not found`, `cluster "gone" was not found`}},
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, checkWith(t, test.kubeconfig, test.context), test.faults...) })
	}
}

func TestSeveralKubeconfigsAreMerged(t *testing.T) {
	f := newFakeAPI(t)
	dir := t.TempDir()
	contexts, clusters := filepath.Join(dir, "contexts"), filepath.Join(dir, "clusters")
	writeFile(t, contexts, "{apiVersion: v1, kind: Config, contexts: [{name: prod, context: {cluster: c, user: u}}], "+
		"users: [{name: u, user: {token: good}}]}")
	writeFile(t, clusters, fmt.Sprintf("{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: %q, "+
		"certificate-authority-data: %s}}], users: [{name: u, user: {token: bad}}]}", f.URL,
		base64.StdEncoding.EncodeToString(certificatePEM(f.Certificate().Raw))))
	list := strings.Join([]string{contexts, filepath.Join(dir, "missing"), clusters}, string(os.PathListSeparator))
	wantFaults(t, checkWith(t, list, "prod"))
	t.Setenv("KUBECONFIG", list)
	wantFaults(t, checkWith(t, "", "prod"))
}

func TestCheckSaysWhatIsWrongWithTheAddress(t *testing.T) {
	f := newFakeAPI(t)
	ca := string(certificatePEM(f.Certificate().Raw))
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	page := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html>"))
	}))
	defer page.Close()
	for name, test := range map[string]struct {
		server, ca string
		faults     []string
	}{
		"nothing there": {"https://" + closed.Addr().String(), ca,
			[]string{"connecting to https://" + closed.Addr().String(), "connection refused"}},
		"another authority": {f.URL, selfSigned(t, time.Now().Add(time.Hour)), []string{"not from the authority"}},
		"another name":      {strings.Replace(f.URL, "127.0.0.1", "localhost", 1), ca, []string{"is for another name"}},
		"no TLS":            {strings.Replace(plain.URL, "http:", "https:", 1), ca, []string{"does not speak TLS"}},
		"no Kubernetes":     {page.URL, ca, []string{"no Kubernetes API"}},
	} {
		t.Run(name, func(t *testing.T) {
			wantFaults(t, checkWith(t, writeKubeconfig(t, test.server, test.ca, "token: good"), "prod"), test.faults...)
		})
	}
}

func TestCheckWaitsForASilentServerNoLongerThanSeconds(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	start := time.Now()
	wantFaults(t, checkWith(t, writeKubeconfig(t, "https://"+silent.Addr().String(), "", "token: x"), "prod"),
		"no answer after 5s")
	if took := time.Since(start); took > 3*answerTimeout {
		t.Errorf("it took %s, want about %s", took, answerTimeout)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("enough"))
	kubeconfig := writeKubeconfig(t, "https://"+silent.Addr().String(), "", "token: x")
	wantFaults(t, New(Options{Kubeconfig: kubeconfig, Context: "prod"}).Check(ctx), "enough")
}

func TestCheckSaysHowCredentialsAreRenewed(t *testing.T) {
	f := newFakeAPI(t)
	ca := string(certificatePEM(f.Certificate().Raw))
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"exp":1700000000}`))
	dir := t.TempDir()
	tokenFile := filepath.Join(dir, "token")
	writeFile(t, tokenFile, "e30."+claims+".c2ln\n")
	old := selfSigned(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	for name, test := range map[string]struct{ user, fault string }{
		"refused":            {"token: bad", "refuses the credentials"},
		"expired token":      {"token: e30." + claims + ".c2ln", "the token expired on 2023-11-14 22:13 UTC"},
		"expired token file": {"tokenFile: " + tokenFile, "the token expired on 2023-11-14 22:13 UTC"},
		"expired certificate": {
			"client-certificate-data: " + base64.StdEncoding.EncodeToString([]byte(old)) + ", client-key-data: eA==",
			"the client certificate of dev expired on 2026-01-02",
		},
	} {
		t.Run(name, func(t *testing.T) {
			wantFaults(t, checkWith(t, writeKubeconfig(t, f.URL, ca, test.user), "prod"), test.fault, "renew them")
		})
	}
}

func TestCheckRunsCredentialPlugins(t *testing.T) {
	f := newFakeAPI(t)
	ca := string(certificatePEM(f.Certificate().Raw))
	const version = "client.authentication.k8s.io/v1"
	plugin := func(command, rest string) string {
		return writeKubeconfig(t, f.URL, ca, "exec: {apiVersion: "+version+", command: "+command+
			", interactiveMode: IfAvailable, provideClusterInfo: true, "+rest+"}")
	}
	for name, test := range map[string]struct {
		kubeconfig string
		faults     []string
	}{
		"that fails": {plugin("sh", `args: ["-c", "echo the session has expired >&2; exit 3"]`),
			[]string{"getting credentials from sh", "exit status 3", "the session has expired"}},
		"that is missing": {plugin("no-such-plugin", `installHint: "Get it from the shop."`),
			[]string{"there is no such program", "Get it from the shop."}},
		"that talks": {plugin("echo", `args: ["hello"]`), []string{"its answer cannot be read"}},
		"that says nothing": {plugin("echo", `args: ['{"apiVersion":"`+version+`","kind":"ExecCredential"}']`),
			[]string{"neither a token nor a certificate"}},
		"that wants a person": {writeKubeconfig(t, f.URL, ca, "exec: {apiVersion: "+version+", command: sh, "+
			"interactiveMode: Always}"), []string{"it wants to talk to a person"}},
		"of another time": {writeKubeconfig(t, f.URL, ca, "exec: {apiVersion: "+version+"alpha1, command: sh, "+
			"interactiveMode: Never}"), []string{"want " + version}},
	} {
		t.Run(name, func(t *testing.T) { wantFaults(t, checkWith(t, test.kubeconfig, "prod"), test.faults...) })
	}
	// It lies beside the kubeconfig, is told of the cluster, and has a variable of its own.
	path := plugin("./plugin", `env: [{name: WORD, value: good}]`)
	script := "#!/bin/sh\ncase $KUBERNETES_EXEC_INFO in *" + f.URL + "*) ;; *) exit 1 ;; esac\n" +
		`echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$WORD'"}}'` + "\n"
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "plugin"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	wantFaults(t, checkWith(t, path, "prod"))
}

// selfSigned makes a certificate of dev that ends at a time.
func selfSigned(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dev"}, NotBefore: end.Add(-time.Hour), NotAfter: end,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(certificatePEM(der))
}
