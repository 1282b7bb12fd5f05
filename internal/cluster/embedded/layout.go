package embedded

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/back-stack/backstack/internal/pki"
	"github.com/back-stack/backstack/internal/secrets"
)

// Layout names the files and folders of one embedded hub, all of them below one folder that only its owner can enter.
type Layout struct {
	Root string // $XDG_STATE_HOME/backstack/hubs/NAME
}

// Kubeconfig is the administrator's kubeconfig, for kubectl and for backstack itself.
func (l Layout) Kubeconfig() string { return filepath.Join(l.Root, "kubeconfig") }

// PKI holds the certificate authorities, certificates and keys.
func (l Layout) PKI() pki.Dir { return pki.Dir(filepath.Join(l.Root, "pki")) }

// ClientConfig is the kubeconfig with which the program called name talks to the API server.
func (l Layout) ClientConfig(name string) string {
	return filepath.Join(l.Root, "kubeconfigs", name+".kubeconfig")
}

// Credentials holds passwords and tokens, one a file.
func (l Layout) Credentials() string { return filepath.Join(l.Root, "credentials") }

// Ports is the file that keeps the ports that were chosen.
func (l Layout) Ports() string { return filepath.Join(l.Root, "ports.json") }

// Supervisor is the folder of the supervisor: its socket, its list of processes and their logs.
func (l Layout) Supervisor() string { return filepath.Join(l.Root, "supervisor") }

// Data is where the program called name keeps what must outlive it.
func (l Layout) Data(name string) string { return filepath.Join(l.Root, "data", name) }

// Temp is where programs put what may go at any time.
func (l Layout) Temp() string { return filepath.Join(l.Root, "tmp") }

// Sockets holds the Unix sockets on which programs serve their metrics and health.
func (l Layout) Sockets() string { return filepath.Join(l.Root, "sockets") }

// make creates the folders.
func (l Layout) make() error {
	for _, dir := range []string{
		l.Root, string(l.PKI()), filepath.Join(l.Root, "kubeconfigs"), l.Credentials(), l.Supervisor(), l.Temp(), l.Sockets(),
		l.Data("etcd"), l.Data("gitea"), l.Data("argocd"), l.Data("crossplane"),
	} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the hub's folders: %w", err)
		}
	}
	return nil
}

// Secrets is the folder of Credentials as a store.
func (l Layout) Secrets() secrets.Dir { return secrets.Dir(l.Credentials()) }
