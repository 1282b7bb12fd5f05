package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/report"
)

func TestNoNetworkToTheModuleProxyNamesTheArchiveWay(t *testing.T) {
	c := newSmallCache(t)
	useProxy(t, "http://127.0.0.1:1")
	_, err := c.ensure(t.Context(), "", report.Discard)
	wantFaults(t, err, "downloading Go modules from http://127.0.0.1:1")
	for _, words := range []string{"connection refused", "BACKSTACK_ENGINE", "GOPROXY", "HTTPS_PROXY"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("got %v: want %q", err, words)
		}
	}
}

func TestFailedDownloadsAreToldFromOtherFailures(t *testing.T) {
	for words, network := range map[string]bool{
		`go: m@v1: Get "https://p/m": dial tcp: lookup p on 1.1.1.1:53: no such host`:                    true,
		`go: m@v1: Get "https://p/m": dial tcp 192.0.2.1:443: i/o timeout`:                               true,
		`go: m@v1: Get "https://p/m": proxyconnect tcp: dial tcp 192.0.2.1:3128: connect: refused`:       true,
		`go: m@v1: reading https://p/m: 403 Forbidden`:                                                   true,
		`go: m@v1: reading https://p/m: 404 Not Found`:                                                   true,
		`go: m@v1: Get "https://p/m": net/http: TLS handshake timeout`:                                   true,
		`go: m@v1: Get "https://p/m": tls: x509: certificate signed by unknown authority`:                true,
		`go: m@v1: module lookup disabled by GOPROXY=off`:                                                true,
		"# example.test/dep\nmain.go:3:2: undefined: x":                                                  false,
		"go: updates to go.mod needed":                                                                   false,
		"verifying m@v1: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum: h1:b\n\nSECURITY ERROR":        false,
		"/usr/bin/ld: cannot find -lfoo: No such file or directory\ncollect2: error: ld returned 1 exit": false,
	} {
		err := explainDownload(&toolError{tool: "go", words: words, err: errors.New("exit status 1")}, "https://p")
		var unmet *UnmetError
		if errors.As(err, &unmet) != network {
			t.Errorf("%s: got %v", words, err)
		}
	}
}
