package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
)

func TestTheLoginOfARegistryIsFoundInADockerConfig(t *testing.T) {
	const host = "registry.example.com"
	robot := cluster.Login{Username: "robot", Password: "a:b"}
	for _, test := range []struct {
		name, config string
		want         cluster.Login
		fault        string
	}{
		{"as docker login writes it", `{"auths": {"registry.example.com": {"auth": "cm9ib3Q6YTpi"}}}`, robot, ""},
		{"as Kubernetes' Secrets have it", `{"auths": {"registry.example.com": {"username": "robot", "password": "a:b"}}}`, robot, ""},
		{"with a URL", `{"auths": {"https://registry.example.com/v2/": {"auth": "cm9ib3Q6YTpi"}}}`, robot, ""},
		{"of another registry", `{"auths": {"example.com": {"auth": "cm9ib3Q6YTpi"}}}`, cluster.Login{}, "has no login for registry.example.com"},
		{"with a helper", `{"auths": {"registry.example.com": {}}, "credsStore": "desktop"}`, cluster.Login{}, "credential helper"},
		{"no JSON", `auths:`, cluster.Login{}, "docker login"},
	} {
		got, err := findLogin([]byte(test.config), host)
		if got != test.want {
			t.Errorf("%s: the login is %+v: want %+v", test.name, got, test.want)
		}
		if test.fault == "" && err != nil || test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)) {
			t.Errorf("%s: the error is %v: want %q in it", test.name, err, test.fault)
		}
		if err != nil && strings.Contains(err.Error(), "cm9ib3") {
			t.Errorf("%s: the error shows the login: %v", test.name, err)
		}
	}
}

func TestOnlyTheLoginOfTheHubsRegistryIsKept(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "config.json")
	data := `{"auths": {"registry.example.com": {"auth": "cm9ib3Q6YTpi"}, "other.example.com": {"auth": "b3RoZXI6c2VjcmV0"}}}`
	if err := os.WriteFile(config, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	described := spec.Resolve(&spec.Hub{Metadata: spec.Metadata{Name: "demo"}, Spec: spec.Spec{
		Provider: spec.ProviderKind, Registry: &spec.Registry{Prefix: "registry.example.com/mirror", DockerConfig: config},
	}})
	h := Home{State: filepath.Join(dir, "state")}
	registry, err := h.registry(described)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := dockerConfigOf(registry)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(kept, "other") || strings.Contains(kept, "b3RoZXI6c2VjcmV0") {
		t.Errorf("what is kept has another registry's login: %s", kept)
	}
	// Once it is kept, the file need not be there any more.
	if err := h.layout("demo").Secrets().Set(registryLogin, kept); err != nil {
		t.Fatal(err)
	}
	for without, change := range map[string]func() error{
		"the file":            func() error { return os.Remove(config) },
		"a login in the file": func() error { return os.WriteFile(config, []byte(`{"auths": {}}`), 0o600) },
	} {
		if err := change(); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		again, err := h.registry(described)
		if err != nil || again.Login != registry.Login {
			t.Errorf("without %s the login is %+v, %v: want %+v", without, again, err, registry.Login)
		}
	}
	if err := os.WriteFile(config, []byte("auths:"), 0o600); err != nil {
		t.Fatal(err)
	}
	if again, err := h.registry(described); err == nil {
		t.Errorf("a file that is no Docker config is not refused: %+v", again)
	}
	described.Spec.Registry.Prefix, described.Spec.Registry.DockerConfig = "other.example.com", filepath.Join(dir, "none.json")
	if _, err := h.registry(described); err == nil || strings.Count(err.Error(), described.Spec.Registry.DockerConfig) != 1 {
		t.Errorf("a file that is not there is refused with %v: want its path once", err)
	}
}
