package source

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
)

// parseGit reads URL[//FOLDER][@REVISION].
func parseGit(text string) (Reference, error) {
	if other := fromSCP(text); other != "" {
		return Reference{}, fmt.Errorf("the repository is no URL: write %s%s", gitPrefix, other)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return Reference{}, fmt.Errorf("%q is no URL of a repository", text)
	}
	// A user can stand before the host, so @ begins a revision only behind it.
	host, location, _ := strings.Cut(rest, "/")
	location, revision, revised := strings.Cut("/"+location, "@")
	if revised && revision == "" {
		return Reference{}, errors.New("it ends in @: want a branch, tag or commit behind it")
	}
	var folder string
	if at := strings.Index(location[1:], "//"); at >= 0 {
		location, folder = location[:at+1], location[at+3:]
	}
	folder, err := checkFolder(folder)
	if err != nil {
		return Reference{}, err
	}
	repository := scheme + "://" + host + location
	if err := checkRepository(repository); err != nil {
		return Reference{}, err
	}
	if err := checkRevision(revision); err != nil {
		return Reference{}, err
	}
	return Reference{Kind: Git, Repository: repository, Path: folder, Revision: revision}, nil
}

// checkRepository judges the URL of a repository. It goes into a lock that others read.
func checkRepository(text string) error {
	parsed, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("the repository is no URL: %w", err)
	}
	_, hasPassword := parsed.User.Password()
	switch {
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New("the repository's URL has ? or #: want the folder behind //, and the revision behind @")
	case hasPassword || parsed.User != nil && parsed.Scheme != "ssh":
		return errors.New("the repository's URL has credentials, and URLs are stored for all to read: " +
			"set BACKSTACK_GIT_HOST, BACKSTACK_GIT_USERNAME and BACKSTACK_GIT_TOKEN instead")
	case strings.Trim(parsed.Path, "/") == "", strings.HasPrefix(parsed.Path, "//"):
		return errors.New("the repository's URL has no path")
	}
	switch parsed.Scheme {
	case "https", "ssh":
		if parsed.Host == "" {
			return errors.New("the repository's URL has no host")
		}
		return nil
	case "file":
		if parsed.Host != "" {
			return errors.New("the repository's URL has a host: want file:///PATH")
		}
		return nil
	case "http":
		if host := parsed.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
			return nil
		}
		return errors.New("the repository is read over plain HTTP, which anybody on the way can change: want https://")
	}
	return fmt.Errorf("%s:// is no way to read a repository: want https://, ssh:// or file://", parsed.Scheme)
}

// checkRevision refuses what Git allows in no name of a branch or tag, https://git-scm.com/docs/git-check-ref-format.
func checkRevision(revision string) error {
	if regexp.MustCompile(`[ ~^:?*[\\]|\.\.|//|@\{|^[-/]|(/|\.lock)$`).MatchString(revision) {
		return fmt.Errorf("%q is no branch, tag or commit", revision)
	}
	return nil
}

// fromSCP turns USER@HOST:PATH, which Git takes too, into a URL; nothing if it is something else.
func fromSCP(text string) string {
	scp := regexp.MustCompile(`^([\w.-]+@[\w.-]+):([^/].*)$`).FindStringSubmatch(text)
	if scp == nil {
		return ""
	}
	return "ssh://" + scp[1] + "/" + scp[2]
}
