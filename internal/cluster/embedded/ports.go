package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"

	"github.com/back-stack/backstack/internal/atomicfile"
)

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

// Ports are chosen below Linux's range of ephemeral ports (32768 and up by default), so that an outgoing connection does
// not take one while the hub is stopped.
const (
	firstPort = 20000
	lastPort  = 32767
)

// choosePorts returns the hub's ports: those that were asked for, those that were chosen before, and free ones.
func choosePorts(path string, asked Ports) (Ports, error) {
	ports := Ports{}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &ports)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the hub's ports: %w; remove %s to have them chosen anew", err, path)
	}
	taken := map[int]bool{}
	for name, port := range asked {
		if port != 0 {
			ports[name] = port
		}
	}
	for _, port := range ports {
		taken[port] = true
	}
	for _, name := range portNames() {
		if ports[name] != 0 {
			continue
		}
		port, err := freePort(taken)
		if err != nil {
			return nil, fmt.Errorf("choosing a port for %s: %w", name, err)
		}
		ports[name] = port
		taken[port] = true
	}
	data, err = json.MarshalIndent(ports, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the hub's ports: %w", err)
	}
	return ports, atomicfile.Write(path, append(data, '\n'), 0o600)
}

func freePort(taken map[int]bool) (int, error) {
	const tries = 1000
	for range tries {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if !taken[port] && portFree(port) == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port found between %d and %d", firstPort, lastPort)
}

// portFree says why a loopback port cannot be listened on.
func portFree(port int) error {
	listener, err := net.Listen("tcp", loopbackAddress(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

func loopbackAddress(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func loopbackURL(port int) string { return "https://" + loopbackAddress(port) }
