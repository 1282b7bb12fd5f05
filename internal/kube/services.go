package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Where kube-proxy is found, and where it says what it has done unless it was told another port:
// https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1, healthzBindAddress.
const (
	proxyNamespace = "kube-system"
	proxyName      = "kube-proxy"
	proxySelector  = "k8s-app=kube-proxy"
	proxyPort      = "10256"
)

// proxyPatience is how long a kube-proxy that runs is waited for: one that is older than Kubernetes 1.34, or is told another
// port, does not say when it is done.
const proxyPatience = 15 * time.Second

// AwaitServices waits until pods reach the Services that there are, on a cluster that has just been made. kube-proxy has no
// readiness probe, and its pod is ready before it has made a single rule. Without kube-proxy, something unknown does its
// work, and nothing is waited for.
func (c *Client) AwaitServices(ctx context.Context) error {
	switch _, err := c.Get(ctx, daemonSetResource, proxyNamespace, proxyName); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("looking for kube-proxy: %w", err)
	}
	if err := c.AwaitWorkloads(ctx, proxyNamespace, proxySelector, nil); err != nil {
		return err
	}
	families, err := c.serviceFamilies(ctx)
	if err != nil {
		return err
	}
	nodes, err := c.List(ctx, nodeResource, "")
	if err != nil {
		return err
	}
	patient, cancel := context.WithTimeout(ctx, proxyPatience)
	defer cancel()
	for _, node := range nodes {
		for !c.hasRules(patient, node.GetName(), families) && patient.Err() == nil {
			pause(patient)
		}
	}
	return context.Cause(ctx)
}

// serviceFamilies are the families of the addresses at which pods reach the API server, such as IPv4.
func (c *Client) serviceFamilies(ctx context.Context) ([]string, error) {
	service, err := c.Get(ctx, serviceResource, metav1.NamespaceDefault, "kubernetes")
	if err != nil {
		return nil, fmt.Errorf("looking for the Service of the API server: %w", err)
	}
	families, _, err := unstructured.NestedStringSlice(service.Object, "spec", "ipFamilies")
	if err != nil {
		return nil, fmt.Errorf("reading the Service of the API server: %w", err)
	}
	return families, nil
}

// hasRules says whether kube-proxy on a node has made rules for the Services of each family of addresses. It makes those of
// IPv4 and IPv6 side by side, and of one seconds before the other.
func (c *Client) hasRules(ctx context.Context, node string, families []string) bool {
	// One that is not healthy says what it has done, too.
	answer, _ := c.core.RESTClient().Get().Resource("nodes").Name(node + ":" + proxyPort).SubResource("proxy").
		Suffix("livez").Do(ctx).Raw()
	var health struct {
		Status map[string]any `json:"status"`
	}
	if json.Unmarshal(answer, &health) != nil {
		return false
	}
	for _, family := range families {
		if _, made := health.Status[family]; !made {
			return false
		}
	}
	return true
}
