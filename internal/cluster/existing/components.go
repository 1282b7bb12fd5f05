package existing

import (
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/kube"
)

// What marks objects as a hub's.
const (
	hubLabel           = "backstack.dev/hub"              // with the hub's name
	beadLabel          = "backstack.dev/bead"             // with the name of a Bead
	sourceAnnotation   = "backstack.dev/sha256"           // on definitions that backstack installed from files
	trackingAnnotation = "argocd.argoproj.io/tracking-id" // with the Application that an object belongs to
	webhookLabel       = "webhook.kyverno.io/managed-by"  // with Kyverno's name, on its webhook configurations
	externalAnnotation = "crossplane.io/external-name"    // with what a managed resource is called where it is
	defaultAnnotation  = "storageclass.kubernetes.io/is-default-class"
)

var (
	namespaceResource  = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	definitionResource = schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	}
	argoVersion         = schema.GroupVersion{Group: "argoproj.io", Version: "v1alpha1"}
	applicationResource = argoVersion.WithResource("applications")
	setResource         = argoVersion.WithResource("applicationsets")
)

// argoNamespace is where a hub's Argo CD and its Applications are.
const argoNamespace = "argocd"

// component is a part of a hub of which a cluster can have only one.
type component struct {
	title     string
	namespace string
	// groups are the API groups of its kinds: names, endings that begin with a dot, or full names of definitions, where
	// other projects have kinds in the same group.
	groups []string
}

// components are those of a hub. The groups of reports are Kyverno's on a hub, though others can have them elsewhere.
func components() []component {
	return []component{
		{"Argo CD", argoNamespace, []string{
			"applications.argoproj.io", "applicationsets.argoproj.io", "appprojects.argoproj.io",
		}},
		{"Crossplane", "crossplane-system", []string{"crossplane.io", ".crossplane.io"}},
		{"Kyverno", "kyverno", []string{"kyverno.io", ".kyverno.io", "wgpolicyk8s.io", "openreports.io"}},
	}
}

// defines says whether a definition is of the component's kinds. A definition is called PLURAL.GROUP.
func (c component) defines(definition string) bool {
	_, group, _ := strings.Cut(definition, ".")
	return slices.ContainsFunc(c.groups, func(want string) bool {
		return definition == want || group == want || strings.HasPrefix(want, ".") && strings.HasSuffix(group, want)
	})
}

// hubNamespaces are those that installing makes, or takes if they have the hub's label.
func (o Options) hubNamespaces() []string {
	names := []string{"requests"}
	for _, component := range components() {
		names = append(names, component.namespace)
	}
	if o.Storage {
		names = append(names, "gitea")
	}
	slices.Sort(names)
	return names
}

// systemNamespaces are those of Kubernetes itself and of what makes a cluster one: the clouds' agents, networks,
// storage, and what lets requests in. A * at the end stands for anything. No hub is a tenant beside them.
func systemNamespaces() []string {
	return []string{
		"kube-*",
		// Managed clusters and distributions.
		"gke-*", "gmp-*", "config-management-*", "resource-group-system", // Google
		"amazon-*", "aws-observability", "eks-*", "karpenter", // Amazon
		"aks-*", "azure-*", "app-routing-system", "gatekeeper-system", "calico-system", // Microsoft
		"openshift", "openshift-*", "cattle-*", "fleet-*", // Red Hat, Rancher
		"vmware-system-*", "tanzu-*", "tkg-*", "ibm-*", "node-feature-discovery",
		// Networks.
		"calico-*", "tigera-*", "cilium*", "weave", "antrea-*", "metallb-system", "istio-system",
		// Storage.
		"local-path-storage", "longhorn-system", "openebs", "rook-*", "topolvm-system", "portworx", "democratic-csi",
		// Ingress controllers, and the certificates of what they serve.
		"ingress-nginx", "nginx-ingress", "haproxy-controller", "projectcontour", "envoy-gateway-system", "traefik",
		"cert-manager", "external-dns",
	}
}

// isSystem says whether a namespace is one of systemNamespaces.
func isSystem(name string) bool {
	return slices.ContainsFunc(systemNamespaces(), func(pattern string) bool {
		prefix, open := strings.CutSuffix(pattern, "*")
		return name == pattern || open && strings.HasPrefix(name, prefix)
	})
}

// isBead says whether a namespace is a Bead's.
func isBead(namespace *metav1.PartialObjectMetadata) bool {
	return namespace.Labels[beadLabel] != "" || strings.HasPrefix(namespace.Name, "bead-")
}

// isMarked says whether backstack itself has put a definition on the cluster, for the hub called name.
func isMarked(definition *metav1.PartialObjectMetadata, name string) bool {
	return definition.Labels[hubLabel] == name || definition.Annotations[sourceAnnotation] != "" ||
		managedBy(definition, kube.Backstack)
}

// managedBy says whether one of managers has applied some of an object.
func managedBy(obj *metav1.PartialObjectMetadata, managers ...string) bool {
	return slices.ContainsFunc(obj.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		return slices.Contains(managers, entry.Manager)
	})
}

// byName sorts and returns the keys of a set.
func byName[T any](set map[string]T) []string { return slices.Sorted(maps.Keys(set)) }
