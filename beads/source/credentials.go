package source

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
)

// auth is how a repository is asked for that its server has refused to nobody. A source can be written by anybody, so
// what is secret goes only to the server that it is for. Where that server redirects to another, go-git leaves it out.
func (c Credentials) auth(repository string) (*http.BasicAuth, error) {
	refused := transport.ErrAuthenticationRequired // without the page that the server sent with it
	parsed, err := url.Parse(repository)
	if err != nil {
		return nil, fmt.Errorf("reading the URL %s: %w", repository, err)
	}
	switch host := parsed.Host; {
	case c.Token == "":
		return nil, fmt.Errorf("%w: want BACKSTACK_GIT_TOKEN to be set, BACKSTACK_GIT_HOST to be %s, and "+
			"BACKSTACK_GIT_USERNAME if the server cares", refused, host)
	case c.Host == "":
		return nil, fmt.Errorf("%w: BACKSTACK_GIT_TOKEN is sent to no server but BACKSTACK_GIT_HOST: want that to be "+
			"%s, if the token is for it", refused, host)
	case !sameHost(c.Host, parsed):
		return nil, fmt.Errorf("%w: BACKSTACK_GIT_TOKEN is for %s (BACKSTACK_GIT_HOST), and this is %s", refused, c.Host,
			host)
	}
	username := c.Username
	if username == "" {
		username = "git" // servers that know who somebody is by the token want any name
	}
	return &http.BasicAuth{Username: username, Password: c.Token}, nil
}

// sameHost says whether HOST or HOST:PORT is where a URL leads to. A port that is not written is that of the scheme.
func sameHost(host string, to *url.URL) bool {
	from := &url.URL{Scheme: to.Scheme, Host: host}
	return strings.EqualFold(from.Hostname(), to.Hostname()) && port(from) == port(to)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}
