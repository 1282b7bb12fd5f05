package forge

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/pki"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// configuration of a Gitea: its folder, address, port, certificate, key, files, and two random texts.
const configuration = `RUN_MODE = prod
WORK_PATH = %[1]s
[server]
PROTOCOL = https
HTTP_ADDR = %[2]s
HTTP_PORT = %[3]s
ROOT_URL = https://%[2]s:%[3]s/
CERT_FILE = %[4]s
KEY_FILE = %[5]s
STATIC_ROOT_PATH = %[6]s
APP_DATA_PATH = %[1]s
DISABLE_SSH = true
OFFLINE_MODE = true
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = %[7]s
[repository]
ROOT = %[1]s/repositories
DEFAULT_BRANCH = main
[log]
MODE = console
LEVEL = Warn
`

// Start runs the engine's Gitea at an address of this machine, on a port that is free, for the time of a test. CA is the
// file with the authority of its certificate.
func Start(t testing.TB, with *engine.Engine, address string) (f *Forge, ca string) {
	t.Helper()
	dir := t.TempDir()
	certificates := pki.Dir(filepath.Join(dir, "pki"))
	if err := os.MkdirAll(string(certificates), 0o700); err != nil {
		t.Fatal(err)
	}
	authority, err := certificates.Authority("ca")
	if err == nil {
		err = authority.Issue(pki.Leaf{Name: "git", Hosts: []string{address}})
	}
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t, address)
	config := filepath.Join(dir, "app.ini")
	text := fmt.Sprintf(configuration, dir, address, port, certificates.Cert("git"), certificates.Key("git"),
		with.Share("gitea"), rand.Text())
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	gitea := func(args ...string) *exec.Cmd {
		command := exec.Command(with.Program("gitea"), append(args, "--config", config)...)
		command.Env = append(os.Environ(), "GITEA_WORK_DIR="+dir, "HOME="+dir, "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true")
		return command
	}
	var log bytes.Buffer
	server := gitea("web")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatalf("starting Gitea: %v", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() {
			t.Logf("Gitea said:\n%s", log.String())
		}
	})
	url := "https://" + net.JoinHostPort(address, port)
	client, err := certificates.HTTPClient("ca", "")
	if err != nil {
		t.Fatal(err)
	}
	hubtest.Eventually(t, "Gitea to answer", func() error {
		response, err := client.Get(url + "/api/healthz")
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			err = fmt.Errorf("it says %s", response.Status)
		}
		return err
	})
	out, err := gitea("admin", "user", "create", "--username=root-of-git", "--email=root@example.com", "--admin",
		"--random-password", "--must-change-password=false", "--access-token").CombinedOutput()
	token := regexp.MustCompile(`\b[0-9a-f]{40}\b`).FindString(string(out))
	if err != nil || token == "" {
		t.Fatalf("making Gitea's administrator: %v\n%s", err, out)
	}
	ca = certificates.Cert("ca")
	return New(t, url, []byte(hubtest.ReadFile(t, ca)), token), ca
}

func freePort(t testing.TB, address string) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
