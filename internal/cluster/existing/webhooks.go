package existing

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// callers are the kinds by which the API server asks programs in the cluster, and where these objects name the
// programs.
func callers() []kind {
	admission := schema.GroupVersion{Group: "admissionregistration.k8s.io", Version: "v1"}
	aggregation := schema.GroupVersion{Group: "apiregistration.k8s.io", Version: "v1"}
	return []kind{
		{GroupVersionResource: admission.WithResource("validatingwebhookconfigurations"), Kind: "ValidatingWebhookConfiguration"},
		{GroupVersionResource: admission.WithResource("mutatingwebhookconfigurations"), Kind: "MutatingWebhookConfiguration"},
		{GroupVersionResource: aggregation.WithResource("apiservices"), Kind: "APIService"},
	}
}

// removeWebhooks makes the API server ask none of the hub's programs any more.
func (r *remover) removeWebhooks(ctx context.Context) error {
	return forEach(callers(), func(k kind) error {
		objects, err := r.read(ctx, k.GroupVersionResource)
		if err != nil {
			return err
		}
		var doomed []metav1.PartialObjectMetadata
		for i := range objects {
			own, err := r.asksHub(ctx, k, &objects[i])
			if err != nil {
				return err
			}
			if own {
				doomed = append(doomed, metaOf(&objects[i]))
			}
		}
		return r.remove(ctx, k, doomed, metav1.DeletePropagationBackground, nil)
	})
}

// asksHub says whether an object makes the API server ask a program of the hub.
func (r *remover) asksHub(ctx context.Context, k kind, obj *unstructured.Unstructured) (bool, error) {
	meta := metaOf(obj)
	kyverno := components()[2]
	if r.mine(k, &meta) || r.has(kyverno) && meta.Labels[webhookLabel] == "kyverno" {
		return true, nil
	}
	for _, service := range services(obj) {
		namespace, _ := service["namespace"].(string)
		name, _ := service["name"].(string)
		if !r.ours(namespace) {
			continue
		}
		if r.doomed(namespace) {
			return true, nil
		}
		// In a namespace that somebody else uses as well, the service tells whose it is.
		own, err := r.ownService(ctx, namespace, name)
		if own || err != nil {
			return own, err
		}
	}
	return false, nil
}

// ownService says whether a service is the hub's. One that is gone is nobody's, and whoever names it asks in vain.
func (r *remover) ownService(ctx context.Context, namespace, name string) (bool, error) {
	k := kind{
		GroupVersionResource: schema.GroupVersionResource{Version: "v1", Resource: "services"}, Kind: "Service", Namespaced: true,
	}
	found, err := r.metadata.Resource(k.GroupVersionResource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case isGone(err):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("looking for service %s/%s: %w", namespace, name, err)
	}
	return r.inPlace(k, found), nil
}

// services returns the services that an object of one of callers names.
func services(obj *unstructured.Unstructured) []map[string]any {
	var found []map[string]any
	if service, ok, _ := unstructured.NestedMap(obj.Object, "spec", "service"); ok {
		found = append(found, service)
	}
	webhooks, _, _ := unstructured.NestedSlice(obj.Object, "webhooks")
	for _, item := range webhooks {
		if webhook, ok := item.(map[string]any); ok {
			if service, ok, _ := unstructured.NestedMap(webhook, "clientConfig", "service"); ok {
				found = append(found, service)
			}
		}
	}
	return found
}
