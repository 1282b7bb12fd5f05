package embedded

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/supervisor"
)

// controlPlane is etcd, the API server and the controller manager.
func (p programs) controlPlane() []supervisor.Process {
	return []supervisor.Process{p.etcd(), p.apiServer(), p.controllerManager()}
}

func (p programs) etcd() supervisor.Process {
	pki := p.PKI()
	client, peer := loopbackURL(p.ports[portEtcd]), loopbackURL(p.ports[portEtcdPeer])
	args := append([]string{"etcd"}, flags(
		"name", "hub",
		"data-dir", p.Data("etcd"),
		"listen-client-urls", client,
		"advertise-client-urls", client,
		"listen-peer-urls", peer,
		"initial-advertise-peer-urls", peer,
		"initial-cluster", "hub="+peer,
		"client-cert-auth", "true",
		"trusted-ca-file", pki.Cert("etcd-ca"),
		"cert-file", pki.Cert("etcd"),
		"key-file", pki.Key("etcd"),
		"peer-client-cert-auth", "true",
		"peer-trusted-ca-file", pki.Cert("etcd-ca"),
		"peer-cert-file", pki.Cert("etcd"),
		"peer-key-file", pki.Key("etcd"),
		// The only member has nobody to wait for: it elects itself at once.
		"heartbeat-interval", "10",
		"election-timeout", "100",
		// There is no other member that would ask for what was written before.
		"snapshot-catchup-entries", "100",
		"auto-compaction-retention", "5m",
		"log-level", "warn",
	)...)
	process := p.process("etcd", "kubernetes", args, memory("256")...)
	process.Ready = &supervisor.Probe{
		URL: client + "/health", CA: pki.Cert("etcd-ca"), Cert: pki.Cert("etcd-client"), Key: pki.Key("etcd-client"),
	}
	return process
}

func (p programs) apiServer() supervisor.Process {
	pki := p.PKI()
	args := append([]string{"kube-apiserver"}, flags(
		"bind-address", "127.0.0.1",
		"advertise-address", "127.0.0.1",
		"secure-port", strconv.Itoa(p.ports[PortKubernetes]),
		// Kubernetes refuses endpoints on loopback; the default/kubernetes service has none here.
		"endpoint-reconciler-type", "none",
		"etcd-servers", loopbackURL(p.ports[portEtcd]),
		"etcd-cafile", pki.Cert("etcd-ca"),
		"etcd-certfile", pki.Cert("etcd-client"),
		"etcd-keyfile", pki.Key("etcd-client"),
		"tls-cert-file", pki.Cert("kube-apiserver"),
		"tls-private-key-file", pki.Key("kube-apiserver"),
		"tls-min-version", "VersionTLS12",
		"client-ca-file", pki.Cert("ca"),
		"anonymous-auth", "false",
		"authorization-mode", "RBAC",
		"profiling", "false",
		"admission-control-config-file", p.admissionConfig(),
		"service-account-issuer", loopbackURL(p.ports[PortKubernetes]),
		"service-account-key-file", filepath.Join(string(pki), "service-account.pub"),
		"service-account-signing-key-file", pki.Key("service-account"),
		"service-cluster-ip-range", "10.96.0.0/16",
		"allow-privileged", "true",
		"event-ttl", "1h",
		"v", "1",
	)...)
	process := p.process("kube-apiserver", "kubernetes", args, append(memory("600"), seldom)...)
	process.After = []string{"etcd"}
	process.Ready = p.https(p.ports[PortKubernetes], "/readyz")
	return process
}

func (p programs) controllerManager() supervisor.Process {
	pki := p.PKI()
	kubeconfig := p.ClientConfig("kube-controller-manager")
	args := append([]string{"kube-controller-manager"}, flags(
		"bind-address", "127.0.0.1",
		"secure-port", strconv.Itoa(p.ports[portKCM]),
		"tls-cert-file", pki.Cert("kube-controller-manager-server"),
		"tls-private-key-file", pki.Key("kube-controller-manager-server"),
		"client-ca-file", pki.Cert("ca"),
		"authorization-always-allow-paths", "",
		"authentication-skip-lookup", "true",
		"kubeconfig", kubeconfig,
		"authentication-kubeconfig", kubeconfig,
		"authorization-kubeconfig", kubeconfig,
		"use-service-account-credentials", "true",
		"service-account-private-key-file", pki.Key("service-account"),
		"root-ca-file", pki.Cert("ca"),
		"cluster-signing-cert-file", pki.Cert("ca"),
		"cluster-signing-key-file", pki.Key("ca"),
		"leader-elect", "false",
		"profiling", "false",
		// The program itself empties namespaces, without the five seconds that this controller waits first.
		// There is no node: what looks after nodes, routes and volumes would only use memory.
		"controllers", list("*", "-node-ipam-controller", "-node-lifecycle-controller", "-node-route-controller",
			"-service-lb-controller", "-persistentvolume-attach-detach-controller", "-taint-eviction-controller",
			"-device-taint-eviction-controller", "-resourceclaim-controller", "-namespace-controller"),
		"v", "1",
	)...)
	process := p.process("kube-controller-manager", "kubernetes", args, memory("200")...)
	process.After = []string{"kube-apiserver"}
	process.Ready = p.https(p.ports[portKCM], "/healthz")
	return process
}

// admissionConfig is the file that tells the API server to show a client certificate to webhooks.
func (p programs) admissionConfig() string { return filepath.Join(string(p.PKI()), "admission.yaml") }

func (p programs) webhookClientConfig() string {
	return filepath.Join(string(p.PKI()), "webhook-client.kubeconfig")
}

// writeAdmissionConfig makes the API server authenticate to every webhook of the hub, so that Kyverno need not answer
// anyone else. See https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
func (p programs) writeAdmissionConfig() error {
	pki := p.PKI()
	kubeconfig := fmt.Sprintf(`apiVersion: v1
kind: Config
users:
- name: '*'
  user:
    client-certificate: %s
    client-key: %s
`, pki.Cert("webhook-client"), pki.Key("webhook-client"))
	if err := atomicfile.Write(p.webhookClientConfig(), []byte(kubeconfig), 0o600); err != nil {
		return err
	}
	config := "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n"
	for _, plugin := range []string{"ValidatingAdmissionWebhook", "MutatingAdmissionWebhook"} {
		config += fmt.Sprintf(`- name: %s
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: WebhookAdmissionConfiguration
    kubeConfigFile: %s
`, plugin, p.webhookClientConfig())
	}
	return atomicfile.Write(p.admissionConfig(), []byte(config), 0o600)
}
