package existing

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Delete takes the hub off the cluster and removes its folder. The cluster stays, and so does everything that is not
// the hub's. It can be interrupted at any point and run again; where there is nothing of the hub, it does nothing.
//
// It refuses, with an *InUseError, while there are composites, claims or managed resources: what these stand for, in
// a cloud perhaps, would be left to nobody. Options.Force leaves it: the objects go, what they stand for stays.
// Forced, Delete also gives up a cluster that cannot be reached. Left says what stayed.
func (c *Cluster) Delete(ctx context.Context) error {
	c.left = nil
	a, err := c.reach(ctx)
	switch {
	case err != nil && !c.options.Force:
		return fmt.Errorf("removing hub %s from its cluster: %w", c.options.Name, err)
	case err != nil:
		c.leave("everything of hub %s on its cluster, which cannot be reached: %v", c.options.Name, err)
	case a != nil:
		r := &remover{apiServer: a, cluster: c}
		if err := r.run(ctx); err != nil {
			return fmt.Errorf("removing hub %s from its cluster: %w", c.options.Name, err)
		}
	}
	if err := os.RemoveAll(c.options.Dir); err != nil {
		return fmt.Errorf("removing the files of hub %s: %w", c.options.Name, err)
	}
	return nil
}

// Left returns what the last Delete has left, and why, in words for a person.
func (c *Cluster) Left() []string { return slices.Sorted(slices.Values(c.left)) }

func (c *Cluster) leave(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := fmt.Sprintf(format, args...); !slices.Contains(c.left, text) {
		c.left = append(c.left, text)
	}
}

// reach connects to the cluster that the hub is on; nil if it is on none, or the one it was on is gone and another
// has its address. The credentials in the person's kubeconfig may be newer than those that Ensure took from it.
func (c *Cluster) reach(ctx context.Context) (*apiServer, error) {
	known, err := c.ownIdentity()
	if err != nil {
		return nil, err
	}
	if config, err := c.options.kubeconfig(); err == nil {
		if a, err := connect(ctx, config); err == nil {
			if identity, err := a.identity(ctx); err == nil && (known == "" || identity == known) {
				return a, nil
			}
		}
	}
	own, err := c.ownKubeconfig()
	if err != nil || own == nil {
		return nil, err
	}
	a, err := connect(ctx, own)
	if err != nil {
		return nil, err
	}
	identity, err := a.identity(ctx)
	if err != nil {
		return nil, err
	}
	if identity != known {
		c.leave("everything of hub %s on its cluster, if that is still there: at its address is another", c.options.Name)
		return nil, nil
	}
	return a, nil
}

// remover is one run of Delete.
type remover struct {
	*apiServer
	cluster *Cluster

	kinds        []kind
	namespaces   map[string]metav1.PartialObjectMetadata // with the hub's label
	applications map[string]bool                         // the names of the hub's Applications
	beads        map[string]metav1.PartialObjectMetadata // namespaces that the hub's Applications brought
	kept         map[string][]string                     // namespaces that hold workloads of others, and which
	definitions  []definition                            // of the hub's kinds
	volumes      []string                                // that stay, in words
}

// run removes everything in an order in which nothing that goes is waited for by something that is gone:
//
// Webhooks come first, as one that does not answer holds up every request that it is asked about. Then the programs,
// so that nothing is put back and no finalizer is set again. From there on nobody would take finalizers off, so that
// is done here: what they guard goes with the hub. Definitions go while the programs' conversions are not asked.
// Applications come late, because by their names a removal that was interrupted knows what they have brought; the
// hub's namespaces come last, because by their label it knows that there is something to remove.
func (r *remover) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		r.find, r.refuse, r.removeWebhooks, r.calm, r.stop, r.removeWebhooks, r.removeDefinitions, r.removeObjects,
		r.removeApplications, r.removeNamespaces,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, volume := range r.volumes {
		r.cluster.leave("%s", volume)
	}
	for _, name := range byName(r.kept) {
		r.cluster.leave("namespace %s: it holds %s, which the hub did not bring", name, some(r.kept[name]))
	}
	return nil
}

// find looks for what there is of the hub.
func (r *remover) find(ctx context.Context) error {
	var err error
	if r.kinds, err = r.apiServer.kinds(); err != nil {
		return err
	}
	for _, find := range []func(context.Context) error{
		r.findApplications, r.findNamespaces, r.findDefinitions, r.findGuests, r.findVolumes,
	} {
		if err := find(ctx); err != nil {
			return err
		}
	}
	return nil
}

// name is the hub's.
func (r *remover) name() string { return r.cluster.options.Name }

// has says whether the hub has a component, whose namespace it then has.
func (r *remover) has(c component) bool {
	_, has := r.namespaces[c.namespace]
	return has
}

// ours says whether a namespace is the hub's or one of its Beads'.
func (r *remover) ours(namespace string) bool {
	_, own := r.namespaces[namespace]
	_, bead := r.beads[namespace]
	return own || bead
}

// doomed says whether a namespace goes, with everything in it.
func (r *remover) doomed(namespace string) bool {
	return r.ours(namespace) && len(r.kept[namespace]) == 0
}

// mine says whether an object is the hub's: it has its label, an Application of the hub has brought it, or it belongs
// to an object of a kind that goes with the hub.
func (r *remover) mine(k kind, obj *metav1.PartialObjectMetadata) bool {
	if obj.Labels[hubLabel] == r.name() || r.applications[trackedBy(k, obj)] {
		return true
	}
	return slices.ContainsFunc(obj.OwnerReferences, func(owner metav1.OwnerReference) bool {
		group, _, _ := strings.Cut(owner.APIVersion, "/")
		plural, _ := meta.UnsafeGuessKindToResource(schema.GroupVersionKind{Group: group, Kind: owner.Kind})
		return slices.ContainsFunc(components(), func(c component) bool {
			return r.has(c) && c.defines(plural.Resource+"."+group)
		}) || slices.ContainsFunc(r.definitions, func(d definition) bool {
			return d.Group == group && d.Kind == owner.Kind
		})
	})
}

// trackedBy returns the name of the Application that has brought an object; empty if none has. Argo CD writes
// APPLICATION:GROUP/KIND:NAMESPACE/NAME. One that is about another object was copied, and means nothing.
// https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
func trackedBy(k kind, obj *metav1.PartialObjectMetadata) string {
	parts := strings.SplitN(obj.Annotations[trackingAnnotation], ":", 3)
	if len(parts) != 3 || parts[1] != k.Group+"/"+k.Kind {
		return ""
	}
	namespace, name, _ := strings.Cut(parts[2], "/")
	if name != obj.Name || obj.Namespace != "" && namespace != obj.Namespace {
		return ""
	}
	return parts[0]
}
