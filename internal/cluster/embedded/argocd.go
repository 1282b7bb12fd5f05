package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/supervisor"
)

// argoCD is Argo CD's four programs and the Redis that they cache in.
func (p programs) argoCD() []supervisor.Process {
	return []supervisor.Process{p.redis(), p.repoServer(), p.applicationController(), p.applicationSetController(), p.argoServer()}
}

func (p programs) redis() supervisor.Process {
	pki := p.PKI()
	process := p.process("argocd-redis", "redis", flags(
		"addr", loopbackAddress(p.ports[portRedis]),
		"tls-cert", pki.Cert("redis"),
		"tls-key", pki.Key("redis"),
		"password-file", filepath.Join(p.redisCredentials(), "auth"),
	), memory("64")...)
	process.Ready = &supervisor.Probe{
		Connect: "tls://" + loopbackAddress(p.ports[portRedis]),
		CA:      pki.Cert("ca"),
	}
	return process
}

func (p programs) repoServer() supervisor.Process {
	process := p.argoProcess("argocd-repo-server", append(memory("120"), seldom), flags(
		"address", "127.0.0.1",
		"port", strconv.Itoa(p.ports[portRepoServer]),
		"client-ca-path", p.PKI().Cert("ca"),
	))
	process.Ready = p.socket("argocd-repo-server", "/healthz")
	return process
}

func (p programs) applicationController() supervisor.Process {
	process := p.argoProcess("argocd-application-controller", memory("300"), append(p.repoClient("argocd-application-controller"), flags(
		// A hub has few applications: these many are never busy at once, and each costs memory.
		"status-processors", "10",
		"operation-processors", "5",
		// What someone changed by hand is put back after a second instead of five.
		"self-heal-backoff-timeout-seconds", "1",
		// An Application says which of its objects is not healthy, and why.
		"persist-resource-health", "true",
	)...))
	process.Ready = p.socket("argocd-application-controller", "/healthz")
	return process
}

func (p programs) applicationSetController() supervisor.Process {
	// Its health is that of a lease it does not take and of a cache it does not need here: it is ready when it runs.
	process := p.argoProcess("argocd-applicationset-controller", memory("120"), append(p.repoClient("argocd-applicationset-controller"), flags(
		"metrics-addr", "0",
		"probe-addr", "0",
	)...))
	// What it cannot ask the repo-server at once it asks three minutes later.
	process.After = append(process.After, "argocd-repo-server")
	return process
}

func (p programs) argoServer() supervisor.Process {
	process := p.argoProcess("argocd-server", memory("160"), append(p.repoClient("argocd-server"), flags(
		"address", "127.0.0.1",
		"port", strconv.Itoa(p.ports[PortArgoCD]),
		"staticassets", p.engine.Share("argocd", "ui"),
	)...))
	process.Ready = p.https(p.ports[PortArgoCD], "/healthz")
	return process
}

// repoClient makes the arguments of a client of the repo-server, which takes only clients with a certificate.
func (p programs) repoClient(name string) []string {
	pki := p.PKI()
	return flags(
		repoServerFlag(name), loopbackAddress(p.ports[portRepoServer]),
		"repo-server-ca-cert-path", pki.Cert("ca"),
		"repo-server-client-cert-path", pki.Cert(name),
		"repo-server-client-cert-key-path", pki.Key(name),
	)
}

func repoServerFlag(name string) string {
	if name == "argocd-applicationset-controller" {
		return "argocd-repo-server"
	}
	return "repo-server"
}

// argoProcess has what Argo CD's programs have in common. Settings that Argo CD reads from its ConfigMaps in the cluster
// are not given here: Git has them.
func (p programs) argoProcess(name string, env []string, args []string) supervisor.Process {
	args = append([]string{name}, args...)
	if name != "argocd-applicationset-controller" {
		args = append(args, flags(
			"redis", loopbackAddress(p.ports[portRedis]),
			"redis-use-tls", "true",
			"redis-ca-certificate", p.PKI().Cert("ca"),
		)...)
	}
	data := p.Data("argocd")
	process := p.process(name, "argocd", args, append(env,
		"KUBECONFIG="+p.ClientConfig(name),
		"ARGOCD_FAKE_IN_CLUSTER=true",
		"ARGOCD_APP_CONF_PATH="+filepath.Join(data, "config"),
		"ARGOCD_TLS_DATA_PATH="+filepath.Join(data, "tls"),
		"ARGOCD_SSH_DATA_PATH="+filepath.Join(data, "ssh"),
		"ARGOCD_PLUGINSOCKFILEPATH="+filepath.Join(data, "plugins"),
		"ARGOCD_GPG_ENABLED=false",
		// git asks from a folder of its own, so this path is not relative.
		"ARGOCD_ASK_PASS_SOCK="+p.askPass(),
		"REDIS_CREDS_DIR_PATH="+p.redisCredentials(),
		"METRICS_SOCKET="+name,
		"WEBHOOK_SOCKET="+name+"-webhook",
		// Helm and git keep their files with the hub's, and git asks nobody anything.
		"HELM_CACHE_HOME="+filepath.Join(p.Temp(), "helm"),
		"HELM_CONFIG_HOME="+filepath.Join(p.Temp(), "helm"),
		"HELM_DATA_HOME="+filepath.Join(p.Temp(), "helm"),
		"GIT_TERMINAL_PROMPT=0",
		"ARGOCD_SYNC_WAVE_DELAY=0", // a wave begins when the one before it is healthy, not 2 s later
	)...)
	process.After = []string{"kube-apiserver"}
	switch name {
	case "argocd-application-controller", "argocd-repo-server", "argocd-server":
		process.After = append(process.After, "argocd-redis")
	}
	return process
}

// askPass is the socket on which git asks the repo-server for the credentials of a repository.
func (l Layout) askPass() string { return filepath.Join(l.Sockets(), "ask-pass") }

func (p programs) redisCredentials() string { return filepath.Join(p.Credentials(), "redis") }

// writeArgoFiles makes the files that Argo CD's pods would have mounted: the repo-server's certificate, the authority that
// Gitea's certificate comes from, and no SSH hosts.
func (p programs) writeArgoFiles() error {
	pki, data := p.PKI(), p.Data("argocd")
	for _, dir := range []string{"config/reposerver/tls", "tls", "ssh", "plugins"} {
		if err := os.MkdirAll(filepath.Join(data, dir), 0o700); err != nil {
			return fmt.Errorf("making Argo CD's folders: %w", err)
		}
	}
	copies := map[string]string{
		pki.Cert("argocd-repo-server-tls"): "config/reposerver/tls/tls.crt",
		pki.Key("argocd-repo-server-tls"):  "config/reposerver/tls/tls.key",
		pki.Cert("ca"):                     "tls/127.0.0.1", // the file's name is the server's
	}
	if err := copyFiles(copies, data); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(data, "ssh", "ssh_known_hosts"), nil, 0o600)
}

// copyFiles copies files to paths below dir, where programs that want a certain folder layout look for them.
func copyFiles(files map[string]string, dir string) error {
	for from, to := range files {
		content, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("copying to %s: %w", filepath.Join(dir, to), err)
		}
		if err := atomicfile.Write(filepath.Join(dir, to), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
