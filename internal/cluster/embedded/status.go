package embedded

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/ports"
	"github.com/back-stack/backstack/internal/supervisor"
)

// Credentials returns the passwords and the certificate that Argo CD starts with; they are made if they are not there.
func (c *Cluster) Credentials(context.Context) (*cluster.Credentials, error) {
	credentials, err := cluster.NewCredentials(c.Secrets())
	if err != nil {
		return nil, err
	}
	if credentials.TLSCert, err = os.ReadFile(c.PKI().Cert("argocd-server-tls")); err != nil {
		return nil, err
	}
	credentials.TLSKey, err = os.ReadFile(c.PKI().Key("argocd-server-tls"))
	return credentials, err
}

// Status lists the hub's processes. A supervisor that does not answer is no error but the reason why nothing is known.
func (c *Cluster) Status(ctx context.Context) (*cluster.Status, error) {
	if _, err := os.Stat(c.Root); errors.Is(err, os.ErrNotExist) {
		return &cluster.Status{}, nil
	}
	chosen, err := ports.Kept(c.Layout.Ports())
	if err != nil {
		return nil, err
	}
	status := &cluster.Status{Exists: true, Version: charts.Kubernetes}
	if port := chosen[PortKubernetes]; port != 0 {
		status.Server = loopbackURL(port)
	}
	processes, err := c.client.Status(ctx)
	if errors.Is(err, supervisor.ErrNotRunning) {
		return status, nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil, err
	}
	if err != nil {
		status.Reason = err.Error()
		return status, nil
	}
	status.Running = true
	for _, process := range processes {
		program := cluster.Program{
			Component: ComponentOf(process.Name), Name: process.Name, Healthy: process.Satisfied(), Log: process.Log,
			PID: process.PID, Restarts: process.Restarts, RSS: process.RSS,
		}
		if !program.Healthy || process.Restarts > 0 {
			program.Reason = process.Reason()
		}
		if program.Healthy && process.LastExit != "" {
			program.Reason += ", last ended with " + process.LastExit
		}
		status.Programs = append(status.Programs, program)
	}
	return status, nil
}

// components are all that an embedded hub can run, with the processes of each.
func components() map[string][]string {
	return map[string][]string{
		"kubernetes": {"etcd", "kube-apiserver", "kube-controller-manager"},
		"gitea":      {"gitea"},
		"argocd": {
			"argocd-redis", "argocd-repo-server", "argocd-application-controller", "argocd-applicationset-controller", "argocd-server",
		},
		"crossplane": {"crossplane", "crossplane-rbac-manager", "function-patch-and-transform", "function-auto-ready"},
		"kyverno": {
			"kyverno", "kyverno-background-controller", "kyverno-cleanup-controller", "kyverno-reports-controller",
		},
	}
}

// ComponentOf returns the component that a process belongs to, and "" for a process that no hub runs.
func ComponentOf(process string) string {
	for component, processes := range components() {
		if slices.Contains(processes, process) {
			return component
		}
	}
	return ""
}

// ProcessNames lists the processes that an embedded hub can run, sorted.
func ProcessNames() []string {
	var names []string
	for _, processes := range components() {
		names = append(names, processes...)
	}
	slices.Sort(names)
	return names
}
