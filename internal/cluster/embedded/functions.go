package embedded

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/cluster/ports"
	"github.com/back-stack/backstack/internal/kube"
)

var functionRevisions = schema.GroupVersionResource{Group: "pkg.crossplane.io", Version: "v1", Resource: "functionrevisions"}

// announceFunctions keeps the endpoint of every active revision of a function up to date, until ctx ends.
func (l Layout) announceFunctions(ctx context.Context) error {
	chosen, err := ports.Kept(l.Ports())
	if err != nil {
		return err
	}
	client, err := kube.New(l.Kubeconfig())
	if err != nil {
		return err
	}
	endpoints := map[string]string{}
	for _, f := range functions() {
		endpoints[f.Name] = loopbackAddress(chosen[f.Port])
	}
	var fault error
	watching, stop := context.WithCancel(ctx)
	defer stop()
	err = client.Until(watching, functionRevisions, "", func(revisions []*unstructured.Unstructured) (bool, string) {
		for _, revision := range revisions {
			if fault = announce(ctx, client, revision, endpoints); fault != nil {
				return true, ""
			}
		}
		return false, "revisions of functions"
	}, nil)
	if fault != nil {
		return fault
	}
	return err
}

// announce does for an active revision what Crossplane's own runtime would do when the function's Deployment is up: it
// says where the function listens and that it is healthy. See PackageRuntimeExternal in Crossplane's package controllers.
func announce(ctx context.Context, client *kube.Client, revision *unstructured.Unstructured, endpoints map[string]string) error {
	endpoint, ours := endpoints[revision.GetLabels()["pkg.crossplane.io/package"]]
	state, _, _ := unstructured.NestedString(revision.Object, "spec", "desiredState")
	current, _, _ := unstructured.NestedString(revision.Object, "status", "endpoint")
	if !ours || state != "Active" || current == endpoint && kube.Condition(revision, "RuntimeHealthy") == "True" {
		return nil
	}
	condition := func(kind, reason string) any {
		return map[string]any{
			"type": kind, "status": "True", "reason": reason, "lastTransitionTime": time.Now().UTC().Format(time.RFC3339),
		}
	}
	status := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": revision.GetAPIVersion(), "kind": revision.GetKind(),
		"metadata": map[string]any{"name": revision.GetName()},
		"status": map[string]any{
			"endpoint":            endpoint,
			"tlsServerSecretName": functionSecret,
			"conditions": []any{
				condition("RuntimeHealthy", "HealthyPackageRevision"),
				condition("RuntimeActive", "ActiveRuntime"),
			},
		},
	}}
	_, err := client.Dynamic().Resource(functionRevisions).ApplyStatus(
		ctx, revision.GetName(), status, metav1.ApplyOptions{FieldManager: kube.Backstack, Force: true})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("telling Crossplane where %s is: %w", revision.GetName(), err)
	}
	return nil
}

// functionSecret is the Secret in which Crossplane looks for the certificate of a function. The key is not in it: nobody
// but the function needs that, and it has a file.
const functionSecret = "embedded-function-certificate"

func (p programs) functionCertificate() (*unstructured.Unstructured, error) {
	return secretOf(crossplaneNamespace, functionSecret, map[string]string{
		"ca.crt": p.PKI().Cert("ca"), "tls.crt": p.PKI().Cert("function"),
	})
}
