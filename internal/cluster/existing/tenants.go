package existing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// workloadResources are the kinds that run something, or ask for it.
func workloadResources() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{
		{Version: "v1", Resource: "pods"},
		{Group: "apps", Version: "v1", Resource: "deployments"},
		{Group: "apps", Version: "v1", Resource: "statefulsets"},
		{Group: "apps", Version: "v1", Resource: "daemonsets"},
		{Group: "apps", Version: "v1", Resource: "replicasets"},
		{Group: "batch", Version: "v1", Resource: "cronjobs"},
		{Group: "batch", Version: "v1", Resource: "jobs"},
	}
}

// checkTenancy returns everything on the cluster that a hub cannot be beside: another hub, the hub's components by
// somebody else, and other tenants.
func (c *Cluster) checkTenancy(ctx context.Context, a *apiServer) error {
	var namespaces, definitions []metav1.PartialObjectMetadata
	var group errgroup.Group
	group.Go(func() (err error) {
		namespaces, err = a.list(ctx, namespaceResource, "")
		return ignoreForbidden(err)
	})
	group.Go(func() (err error) {
		definitions, err = a.list(ctx, definitionResource, "")
		return ignoreForbidden(err)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	faults := []error{c.checkIdentity(namespaces)}
	owners := otherHubs(namespaces, c.options.Name)
	for _, owner := range byName(owners) {
		faults = append(faults, fmt.Errorf("the cluster is that of hub %s, whose label %s has the namespaces %s: want a "+
			"cluster without a hub, or the hub's own name", owner, hubLabel, strings.Join(owners[owner], ", ")))
	}
	if len(owners) == 0 {
		faults = append(faults, c.checkTaken(namespaces, definitions))
	}
	if !c.options.Tenants {
		faults = append(faults, c.checkTenants(ctx, a, namespaces))
	}
	return errors.Join(faults...)
}

// ignoreForbidden makes nothing of a missing right, which is told with the others.
func ignoreForbidden(err error) error {
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// checkIdentity says whether the hub is on another cluster already: it would be lost there.
func (c *Cluster) checkIdentity(namespaces []metav1.PartialObjectMetadata) error {
	known, err := c.ownIdentity()
	if err != nil || known == "" {
		return err
	}
	for i := range namespaces {
		if namespaces[i].Name == metav1.NamespaceSystem && string(namespaces[i].UID) != known {
			return fmt.Errorf("hub %s is on another cluster than the one of context %q: want the context of that one; "+
				"`backstack uninstall` removes the hub from it", c.options.Name, c.options.Context)
		}
	}
	return nil
}

// otherHubs returns the namespaces of hubs but the one called name, by the hub's name.
func otherHubs(namespaces []metav1.PartialObjectMetadata, name string) map[string][]string {
	owners := map[string][]string{}
	for _, namespace := range namespaces {
		if owner := namespace.Labels[hubLabel]; owner != "" && owner != name {
			owners[owner] = append(owners[owner], namespace.Name)
		}
	}
	return owners
}

// checkTaken returns what somebody else has on the cluster under the names that a hub takes for its own.
func (c *Cluster) checkTaken(namespaces, definitions []metav1.PartialObjectMetadata) error {
	present := map[string]*metav1.PartialObjectMetadata{}
	for i := range namespaces {
		present[namespaces[i].Name] = &namespaces[i]
	}
	own := func(name string) bool {
		return present[name] != nil && present[name].Labels[hubLabel] == c.options.Name
	}
	var faults []error
	told := map[string]bool{}
	for _, component := range components() {
		if own(component.namespace) {
			continue // so its definitions are the hub's as well
		}
		var found []string
		if present[component.namespace] != nil {
			found, told[component.namespace] = append(found, "namespace "+component.namespace), true
		}
		for i := range definitions {
			if component.defines(definitions[i].Name) && !isMarked(&definitions[i], c.options.Name) {
				found = append(found, "definition "+definitions[i].Name)
			}
		}
		if len(found) > 0 {
			faults = append(faults, fmt.Errorf("%s is on the cluster already, and not this hub's: %s: want it removed, or "+
				"another cluster; what the hub may take over, and remove with itself, has the label %s=%s",
				component.title, some(found), hubLabel, c.options.Name))
		}
	}
	for _, name := range c.options.hubNamespaces() {
		if present[name] != nil && !own(name) && !told[name] {
			faults = append(faults, fmt.Errorf("namespace %s is on the cluster already, and not this hub's, which wants one of "+
				"that name: want it removed, or the label %s=%s on it if the hub may take it over, and remove it with itself",
				name, hubLabel, c.options.Name))
		}
	}
	return errors.Join(faults...)
}

// checkTenants returns the namespaces of others in which something runs.
func (c *Cluster) checkTenants(ctx context.Context, a *apiServer, namespaces []metav1.PartialObjectMetadata) error {
	var foreign []string
	for i := range namespaces {
		namespace := &namespaces[i]
		if namespace.Labels[hubLabel] == "" && !isBead(namespace) && !isSystem(namespace.Name) &&
			!slices.Contains(c.options.hubNamespaces(), namespace.Name) {
			foreign = append(foreign, namespace.Name)
		}
	}
	busy := make([]bool, len(foreign))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, name := range foreign {
		group.Go(func() (err error) {
			busy[i], err = a.busy(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return ignoreForbidden(err)
	}
	var tenants []string
	for i, name := range foreign {
		if busy[i] {
			tenants = append(tenants, name)
		}
	}
	if len(tenants) == 0 {
		return nil
	}
	return fmt.Errorf("the cluster has other tenants, in the namespaces %s, and a hub is to be alone on its cluster: "+
		"want a cluster of its own, or spec.existing.tenants: true in hub.yaml to accept them", some(tenants))
}

// busy says whether something runs in a namespace, or is to.
func (a *apiServer) busy(ctx context.Context, namespace string) (bool, error) {
	for _, resource := range workloadResources() {
		list, err := a.metadata.Resource(resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return false, fmt.Errorf("listing the %s of namespace %s: %w", resource.Resource, namespace, err)
		}
		if len(list.Items) > 0 {
			return true, nil
		}
	}
	return false, nil
}

// some joins words, and leaves out the end of a list that nobody would read.
func some(words []string) string {
	const most = 12
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}
