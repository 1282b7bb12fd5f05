package kind

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/cluster"
)

func TestHostsFilesSayWhereImagesComeFrom(t *testing.T) {
	o := Options{
		Mirrors: map[string]string{
			"docker.io":                "https://mirror.example.com",
			"quay.io":                  "https://harbor.example.com/v2/quay",
			"ghcr.io":                  "http://10.0.0.1:5000/prefix",
			"registry.example.com:443": "https://mirror.example.com",
		},
		Authorities: []byte("AUTHORITIES"),
		Registry:    &cluster.Registry{Prefix: "registry.example.com:443/hub", CA: []byte("CA")},
	}
	files, err := o.nodeFiles()
	if err != nil {
		t.Fatal(err)
	}
	all, own := `"/etc/containerd/certs.d/authorities.pem"`, `"/etc/containerd/certs.d/registry.example.com:443/ca.pem"`
	for name, want := range map[string]string{
		"certs.d/authorities.pem":                 "AUTHORITIES",
		"certs.d/registry.example.com:443/ca.pem": "CA",
		"certs.d/_default/hosts.toml":             "ca = [" + all + "]\n",
		"certs.d/docker.io/hosts.toml": "ca = [" + all + "]\n\n[host.\"https://mirror.example.com\"]\n" +
			"  capabilities = [\"pull\", \"resolve\"]\n  ca = [" + all + "]\n",
		"certs.d/quay.io/hosts.toml": "ca = [" + all + "]\n\n[host.\"https://harbor.example.com/v2/quay\"]\n" +
			"  capabilities = [\"pull\", \"resolve\"]\n  override_path = true\n  ca = [" + all + "]\n",
		"certs.d/ghcr.io/hosts.toml": "ca = [" + all + "]\n\n[host.\"http://10.0.0.1:5000/prefix\"]\n" +
			"  capabilities = [\"pull\", \"resolve\"]\n",
		"certs.d/registry.example.com:443/hosts.toml": "ca = [" + all + ", " + own + "]\n\n" +
			"[host.\"https://mirror.example.com\"]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = [" + all + "]\n",
	} {
		if got := string(files[name]); got != want {
			t.Errorf("%s is\n%swant\n%s", name, got, want)
		}
		delete(files, name)
	}
	if len(files) > 0 {
		t.Errorf("there are also %v", files)
	}
}

func TestARegistrysLoginIsThatOfTheKubelet(t *testing.T) {
	o := Options{Registry: &cluster.Registry{
		Prefix: "registry.example.com/hub", Login: cluster.Login{Username: "robot", Password: "s3:cret"},
	}}
	files, err := o.nodeFiles()
	if err != nil {
		t.Fatal(err)
	}
	var logins struct {
		Auths map[string]struct{ Auth []byte }
	}
	if err := json.Unmarshal(files["logins/config.json"], &logins); err != nil {
		t.Fatal(err)
	}
	if got := string(logins.Auths["registry.example.com"].Auth); got != "robot:s3:cret" {
		t.Errorf("got the login %q", got)
	}
	encoded := base64.StdEncoding.EncodeToString([]byte("robot:s3:cret"))
	for name, data := range files {
		if name != "logins/config.json" && strings.Contains(string(data), encoded) {
			t.Errorf("%s has the login", name)
		}
	}
}

func TestNodeFilesAreTheUsersAloneAndGoWhenTheyAreNotWantedAnyMore(t *testing.T) {
	o := testOptions(t)
	o.Authorities, o.Mirrors = []byte("AUTHORITIES"), map[string]string{"docker.io": "https://mirror.example.com"}
	login := cluster.Login{Username: "robot", Password: "secret"}
	o.Registry = &cluster.Registry{Prefix: "registry.example.com", Login: login}
	if err := New(o).writeNodeFiles(); err != nil {
		t.Fatal(err)
	}
	count := func() (files int) {
		if err := filepath.WalkDir(o.Dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			if mode := info.Mode().Perm(); entry.IsDir() && mode != 0o700 || !entry.IsDir() && mode != 0o600 {
				t.Errorf("%s has mode %o", path, mode)
			}
			if !entry.IsDir() {
				files++
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return files
	}
	if got := count(); got != 5 {
		t.Errorf("there are %d files, want 5", got)
	}
	o.Mirrors, o.Registry = nil, nil
	if err := New(o).writeNodeFiles(); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 2 {
		t.Errorf("there are %d files, want the authorities and where they count", got)
	}
	for _, mount := range o.nodeMounts() {
		if info, err := os.Stat(mount.HostPath); err != nil || !info.IsDir() || !mount.ReadOnly {
			t.Errorf("%s is not there to be mounted read-only: %v", mount, err)
		}
	}
}
