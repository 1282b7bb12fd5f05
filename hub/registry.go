package hub

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
)

// registryLogin is the name of the credential of the hub's registry: an entry of a Docker config.json.
const registryLogin = "registry-login"

// dockerConfig is as much of a Docker config.json as a login needs.
// https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
type dockerConfig struct {
	Auths map[string]dockerAuth `json:"auths"`
}

type dockerAuth struct {
	Auth     string `json:"auth,omitempty"` // base64 of USER:PASSWORD
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
}

// registry returns the registry that all images of a hub come from, nil if each comes from its own. Its login is taken from
// the Docker config that the hub's description names or, where that has none any more, from the hub's folder.
func (h Home) registry(described *spec.Hub) (*cluster.Registry, error) {
	wanted := described.Spec.Registry
	if wanted == nil {
		return nil, nil
	}
	registry := &cluster.Registry{Prefix: wanted.Prefix, CA: []byte(wanted.CA)}
	if wanted.DockerConfig == "" {
		return registry, nil
	}
	login, err := readLogin(wanted.DockerConfig, registry.Host())
	if err == nil {
		registry.Login = login
		return registry, nil
	}
	if errors.Is(err, errNoLogin) || errors.Is(err, os.ErrNotExist) {
		kept, err := h.layout(described.Metadata.Name).Secrets().Get(registryLogin)
		if err != nil {
			return nil, err
		}
		if login, err := findLogin([]byte(kept), registry.Host()); err == nil {
			registry.Login = login
			return registry, nil
		}
	}
	return nil, &RequestError{fmt.Errorf("reading spec.registry.dockerConfig %s: %w", wanted.DockerConfig, err)}
}

// readLogin reads the login for a registry's host in a Docker config.json.
func readLogin(path, host string) (cluster.Login, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		if pathError := new(fs.PathError); errors.As(err, &pathError) {
			err = pathError.Err // whoever reports it names the path
		}
		return cluster.Login{}, fmt.Errorf("%w: want a Docker config.json with a login for %s", err, host)
	}
	return findLogin(data, host)
}

// errNoLogin says that a Docker config has no login for a registry.
var errNoLogin = errors.New("it has no login")

// findLogin finds the login for a registry's host in a Docker config.json.
func findLogin(data []byte, host string) (cluster.Login, error) {
	var config dockerConfig
	if err := json.Unmarshal(data, &config); err != nil {
		return cluster.Login{}, fmt.Errorf("%w: want what `docker login` writes", err)
	}
	for _, key := range []string{host, "https://" + host, "https://" + host + "/v1/", "https://" + host + "/v2/"} {
		entry, ok := config.Auths[key]
		if !ok {
			continue
		}
		user, password := entry.Username, entry.Password
		if decoded, err := base64.StdEncoding.DecodeString(entry.Auth); err == nil && entry.Auth != "" {
			user, password, _ = strings.Cut(string(decoded), ":")
		}
		if user != "" && password != "" {
			return cluster.Login{Username: user, Password: password}, nil
		}
	}
	return cluster.Login{}, fmt.Errorf("%w for %s: `docker login %s` makes one; a credential helper's cannot be taken to a cluster",
		errNoLogin, host, host)
}

// dockerConfigOf is a Docker config.json with the login for a registry alone.
func dockerConfigOf(registry *cluster.Registry) (string, error) {
	auth := base64.StdEncoding.EncodeToString([]byte(registry.Login.Username + ":" + registry.Login.Password))
	data, err := json.Marshal(dockerConfig{Auths: map[string]dockerAuth{registry.Host(): {
		Auth: auth, Username: registry.Login.Username, Password: registry.Login.Password,
	}}})
	return string(data), err
}
