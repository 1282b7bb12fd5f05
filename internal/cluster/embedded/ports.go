package embedded

import "github.com/back-stack/backstack/internal/cluster/ports"

// Ports are the loopback ports of a hub's programs, by program. They are chosen once and kept, because the addresses of
// the API server, of Gitea and of Argo CD are written into kubeconfigs, repositories and webhooks.
type Ports map[string]int

// Names of the ports.
const (
	portEtcd       = "etcd"
	portEtcdPeer   = "etcd-peer"
	PortKubernetes = "kubernetes"
	portKCM        = "kube-controller-manager"
	PortGitea      = "gitea"
	portRedis      = "redis"
	portRepoServer = "argocd-repo-server"
	PortArgoCD     = "argocd"
	portKyverno    = "kyverno"
	portCleanup    = "kyverno-cleanup-controller"
	portPatch      = "function-patch-and-transform"
	portAutoReady  = "function-auto-ready"
)

func portNames() []string {
	return []string{
		portEtcd, portEtcdPeer, PortKubernetes, portKCM, PortGitea, portRedis, portRepoServer, PortArgoCD, portKyverno,
		portCleanup, portPatch, portAutoReady,
	}
}

// choosePorts returns the hub's ports: those that were asked for, those that were chosen before, and free ones.
func choosePorts(path string, asked Ports) (Ports, error) {
	return ports.Choose(path, portNames(), asked)
}

func loopbackAddress(port int) string { return ports.Address(port) }

func loopbackURL(port int) string { return "https://" + loopbackAddress(port) }
