package embedded

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/back-stack/backstack/internal/supervisor"
)

// Function is a Crossplane composition function that runs as a process of the hub.
type Function struct {
	Name string // the name of its Function object, and what its program is told to be
	Port string // the name of its port
}

// functions are the composition functions of every hub.
func functions() []Function {
	return []Function{
		{Name: "function-patch-and-transform", Port: portPatch},
		{Name: "function-auto-ready", Port: portAutoReady},
	}
}

// crossplane is Crossplane's core, its RBAC manager and the functions.
func (p programs) crossplane() []supervisor.Process {
	core := p.process("crossplane", "crossplane", append([]string{"core", "start"}, flags(
		"namespace", "crossplane-system",
		// Functions are processes here, run by backstack, and not Deployments.
		"package-runtime", "External",
		"xpkg-cache-dir", p.packageCache(),
		"enable-webhooks", "false",
		"metrics-port", "0",
		"health-probe-port", "0",
		"tls-client-certs-dir", filepath.Join(p.Data("crossplane"), "client-tls"),
	)...), append(memory("160"), "KUBECONFIG="+p.ClientConfig("crossplane"))...)
	core.After = []string{"kube-apiserver"}

	rbac := p.process("crossplane-rbac-manager", "crossplane", []string{
		"rbac", "start", "--provider-clusterrole=crossplane:allowed-provider-permissions", "--metrics-port=0",
	}, append(memory("80"), "KUBECONFIG="+p.ClientConfig("crossplane-rbac-manager"))...)
	rbac.After = []string{"kube-apiserver"}

	processes := []supervisor.Process{core, rbac}
	for _, f := range functions() {
		address := loopbackAddress(p.ports[f.Port])
		process := p.process(f.Name, "crossplane-functions", []string{
			f.Name,
			"--address=" + address,
			"--tls-certs-dir=" + filepath.Join(p.Data("crossplane"), "function-tls"),
		}, memory("48")...)
		process.Ready = &supervisor.Probe{
			Connect: "tls://" + address,
			CA:      p.PKI().Cert("ca"), Cert: p.PKI().Cert("function-client"), Key: p.PKI().Key("function-client"),
		}
		processes = append(processes, process)
	}
	return processes
}

// packageCache is where Crossplane finds the content of packages that it need not fetch from a registry.
func (p programs) packageCache() string { return filepath.Join(p.Data("crossplane"), "packages") }

// writeCrossplaneFiles makes the folders of certificates with which Crossplane and the functions know each other.
func (p programs) writeCrossplaneFiles() error {
	pki, data := p.PKI(), p.Data("crossplane")
	for _, dir := range []string{"client-tls", "function-tls", "packages"} {
		if err := os.MkdirAll(filepath.Join(data, dir), 0o700); err != nil {
			return fmt.Errorf("making Crossplane's folders: %w", err)
		}
	}
	for dir, name := range map[string]string{"client-tls": "function-client", "function-tls": "function"} {
		if err := copyFiles(map[string]string{
			pki.Cert("ca"): filepath.Join(dir, "ca.crt"),
			pki.Cert(name): filepath.Join(dir, "tls.crt"),
			pki.Key(name):  filepath.Join(dir, "tls.key"),
		}, data); err != nil {
			return err
		}
	}
	return nil
}
