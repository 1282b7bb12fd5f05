package engine

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// networkWords are how Go and its module proxy say that a module cannot be had. Go has no other sign for it: it is a
// program that we run.
var networkWords = regexp.MustCompile(`dial (tcp|udp)|no such host|i/o timeout|proxyconnect|TLS handshake|` +
	`connection (refused|reset)|network is unreachable|certificate signed by unknown authority|unexpected EOF|` +
	`\b(403 Forbidden|404 Not Found|407 Proxy|410 Gone|429 Too Many|50[0-9] [A-Z])|` +
	`module lookup disabled by GOPROXY=off|server response`)

// explainDownload makes of a failed download an *UnmetError that says what to do about it. Other errors it returns as
// they are.
func explainDownload(err error, proxy string) error {
	var failed *toolError
	if !errors.As(err, &failed) {
		return err
	}
	for line := range strings.Lines(failed.words) {
		if networkWords.MatchString(line) {
			return unmet(fmt.Errorf("downloading Go modules from %s: %s: let this machine reach it (HTTPS_PROXY names a "+
				"proxy to go through, GOPROXY another source of modules), or %s", proxy, strings.TrimSpace(line), archiveWay))
		}
	}
	return err
}
