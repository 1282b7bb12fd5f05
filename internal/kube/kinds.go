package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Kind is a kind of objects that an API server serves.
type Kind struct {
	schema.GroupVersionResource
	Kind       string
	Namespaced bool
}

// DeletableKinds returns every kind whose objects can be listed and deleted, each in the version that the API server
// prefers. What an aggregated API server that is down would serve is not among them.
func DeletableKinds(served discovery.DiscoveryInterface) ([]Kind, error) {
	lists, err := discovery.ServerPreferredResources(served)
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return nil, err
	}
	var kinds []Kind
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, resource := range list.APIResources {
			if slices.Contains(resource.Verbs, "list") && slices.Contains(resource.Verbs, "delete") {
				kinds = append(kinds, Kind{version.WithResource(resource.Name), resource.Kind, resource.Namespaced})
			}
		}
	}
	return kinds, nil
}
