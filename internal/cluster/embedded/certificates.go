package embedded

import (
	"encoding/pem"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/pki"
)

// loopback are the names under which the hub's servers answer.
var loopback = []string{"127.0.0.1", "localhost"}

// serviceNames are the names of the API server inside a cluster; some clients check them.
var serviceNames = []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}

// client is a program that talks to the API server, and as whom. The programs of the components authenticate as the
// service accounts that their upstream charts run them as, so that upstream's RBAC rules fit them here too.
type client struct {
	name      string
	user      string
	groups    []string
	namespace string // where it looks for what is its own
}

func serviceAccount(name, namespace, account string) client {
	return client{
		name:      name,
		namespace: namespace,
		user:      "system:serviceaccount:" + namespace + ":" + account,
		groups:    []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
	}
}

// clients are all programs with a client certificate of their own.
func clients() []client {
	return []client{
		{name: "admin", user: "backstack-admin", groups: []string{"system:masters"}},
		{name: "kube-controller-manager", user: "system:kube-controller-manager"},
		serviceAccount("argocd-server", "argocd", "argocd-server"),
		serviceAccount("argocd-repo-server", "argocd", "argocd-repo-server"),
		serviceAccount("argocd-application-controller", "argocd", "argocd-application-controller"),
		serviceAccount("argocd-applicationset-controller", "argocd", "argocd-applicationset-controller"),
		serviceAccount("crossplane", "crossplane-system", "crossplane"),
		serviceAccount("crossplane-rbac-manager", "crossplane-system", "rbac-manager"),
		serviceAccount("kyverno", "kyverno", "kyverno-admission-controller"),
		serviceAccount("kyverno-background-controller", "kyverno", "kyverno-background-controller"),
		serviceAccount("kyverno-cleanup-controller", "kyverno", "kyverno-cleanup-controller"),
		serviceAccount("kyverno-reports-controller", "kyverno", "kyverno-reports-controller"),
	}
}

// certify makes every certificate, key and kubeconfig of the hub that is not there yet.
func certify(l Layout, apiServer string) error {
	dir := l.PKI()
	if err := dir.SigningKey("service-account"); err != nil {
		return err
	}
	ca, err := dir.Authority("ca")
	if err != nil {
		return err
	}
	// etcd has an authority of its own: whoever can talk to etcd is above every rule of the API server.
	etcd, err := dir.Authority("etcd-ca")
	if err != nil {
		return err
	}
	leaves := []pki.Leaf{
		{Name: "kube-apiserver", CommonName: "kube-apiserver", Hosts: append(append([]string{}, loopback...), serviceNames...)},
		{Name: "kube-controller-manager-server", CommonName: "kube-controller-manager", Hosts: loopback},
		{Name: "gitea", CommonName: "gitea", Hosts: loopback},
		{Name: "redis", CommonName: "redis", Hosts: loopback},
		{Name: "argocd-server-tls", CommonName: "argocd-server", Hosts: append([]string{"argocd-server"}, loopback...)},
		{Name: "argocd-repo-server-tls", CommonName: "argocd-repo-server", Hosts: append([]string{"argocd-repo-server"}, loopback...)},
		{Name: "webhook-client", CommonName: "kube-apiserver-webhook-client", Client: true},
		{Name: "kyverno-webhook", CommonName: "kyverno", Hosts: loopback},
		{Name: "function", CommonName: "function", Hosts: loopback},
		{Name: "function-client", CommonName: "crossplane", Client: true},
	}
	for _, c := range clients() {
		leaves = append(leaves, pki.Leaf{Name: c.name, CommonName: c.user, Organizations: c.groups, Client: true})
	}
	for _, leaf := range leaves {
		if err := ca.Issue(leaf); err != nil {
			return err
		}
	}
	for _, leaf := range []pki.Leaf{
		{Name: "etcd", CommonName: "etcd", Hosts: loopback, Client: true},
		{Name: "etcd-client", CommonName: "kube-apiserver", Client: true},
	} {
		if err := etcd.Issue(leaf); err != nil {
			return err
		}
	}
	for _, c := range clients() {
		path := l.ClientConfig(c.name)
		if c.name == "admin" {
			path = l.Kubeconfig()
		}
		if err := writeKubeconfig(path, apiServer, dir, c); err != nil {
			return err
		}
	}
	return nil
}

// writeKubeconfig writes a kubeconfig with everything in it, so that it works wherever it is copied to.
func writeKubeconfig(path, server string, dir pki.Dir, c client) error {
	ca, err := os.ReadFile(dir.Cert("ca"))
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	cert, err := os.ReadFile(dir.Cert(c.name))
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	key, err := os.ReadFile(dir.Key(c.name))
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if block, _ := pem.Decode(cert); block == nil {
		return fmt.Errorf("writing %s: %s is not PEM", path, dir.Cert(c.name))
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["hub"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	config.AuthInfos[c.name] = &clientcmdapi.AuthInfo{ClientCertificateData: cert, ClientKeyData: key}
	config.Contexts["hub"] = &clientcmdapi.Context{Cluster: "hub", AuthInfo: c.name, Namespace: c.namespace}
	config.CurrentContext = "hub"
	data, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", path, err)
	}
	return atomicfile.Write(path, data, 0o600)
}
