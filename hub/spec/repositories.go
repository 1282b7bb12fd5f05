package spec

import (
	"net/url"
	"strings"
	"unicode"
)

// checkRepositories judges where the hub's repositories lie. No message shows a URL, for there may be a password in it.
func (c *checker) checkRepositories() {
	r := c.hub.Spec.Repositories
	if !r.given() {
		return
	}
	const hub, requests = "spec.repositories.hub", "spec.repositories.requests"
	c.checkRepository(hub, r.Hub)
	c.checkRepository(requests, r.Requests)
	if r.Hub != "" && sameRepository(r.Hub, r.Requests) {
		c.fault(requests, "is the same repository as %s: want another", hub)
	}
}

// checkRepository judges the URL of one of two repositories of which at least one is given.
func (c *checker) checkRepository(path, text string) {
	if text == "" {
		c.fault(path, "is missing: want both hub and requests, or neither for the Gitea of the hub itself")
		return
	}
	const like = "want an https URL such as https://github.com/example/hub.git"
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, unicode.IsSpace):
		c.fault(path, "is not a URL: %s", like)
	case u.User != nil:
		c.fault(path, "has a user or password in it, which would end up in Git: take that out")
	case u.Scheme != "https":
		c.fault(path, "is not an https URL: %s", like)
	case u.Hostname() == "" || strings.Trim(u.Path, "/") == "":
		c.fault(path, "names no repository: %s", like)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		c.fault(path, "has a ? or # in it: %s", like)
	}
}

// sameRepository reports whether two URLs name one repository.
func sameRepository(a, b string) bool {
	return repositoryKey(a) == repositoryKey(b)
}

// repositoryKey returns what the URLs of one repository have in common.
func repositoryKey(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return strings.ToLower(u.Host) + "/" + strings.TrimSuffix(strings.Trim(u.Path, "/"), ".git")
}
