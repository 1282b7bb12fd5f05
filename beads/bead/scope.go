package bead

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// scopes knows which objects are in no namespace.
type scopes struct {
	defined map[string]bool // GROUP/KIND of the cluster-wide kinds that the Bead itself defines
}

// learn takes note of the kinds that the manifests define.
func (s *scopes) learn(manifests []Manifest) {
	for _, m := range manifests {
		if m.Object.GetKind() != "CompositeResourceDefinition" {
			continue
		}
		text := func(path ...string) string {
			value, _, _ := unstructured.NestedString(m.Object.Object, path...)
			return value
		}
		if text("spec", "scope") == "Cluster" {
			s.defined[text("spec", "group")+"/"+text("spec", "names", "kind")] = true
		}
	}
}

// settle gives an object that names no namespace the one given, unless it is cluster-wide.
func (s *scopes) settle(object *unstructured.Unstructured, namespace string) {
	if object.GetNamespace() == "" && !s.clusterWide(object) {
		object.SetNamespace(namespace)
	}
}

// clusterWide says whether an object is in no namespace. It knows the kinds that a Bead can bring: Kubernetes' own, those
// of the hub's components, and the Bead's.
func (s *scopes) clusterWide(object *unstructured.Unstructured) bool {
	kind := object.GetKind()
	group := object.GroupVersionKind().Group
	switch group {
	case "pkg.crossplane.io", "apiextensions.crossplane.io":
		return true
	case "policies.kyverno.io":
		return !strings.HasPrefix(kind, "Namespaced") && kind != "PolicyException"
	}
	switch kind {
	case "ClusterProviderConfig":
		return true
	case "ProviderConfig": // a namespaced one is in a group such as gcp.m.upbound.io
		return !strings.Contains(group, ".m.")
	}
	return s.defined[group+"/"+kind] || builtIn(group) && slices.Contains(clusterKinds(), kind)
}

// builtIn says whether a group is one of Kubernetes' own.
func builtIn(group string) bool {
	return strings.HasSuffix(group, ".k8s.io") || !strings.Contains(group, ".")
}

// clusterKinds are the cluster-wide kinds of Kubernetes' own groups.
func clusterKinds() []string {
	return []string{
		"Namespace", "Node", "PersistentVolume", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
		"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy",
		"ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "APIService",
		"PriorityClass", "RuntimeClass", "StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "IngressClass",
		"CertificateSigningRequest", "ClusterTrustBundle", "FlowSchema", "PriorityLevelConfiguration", "DeviceClass",
		"ResourceSlice", "ServiceCIDR", "IPAddress", "VolumeAttributesClass",
	}
}

// ClusterWide says whether the objects of a kind are in no namespace, if the kind is Kubernetes' own or of a component of
// a hub. Of any other it says false.
func ClusterWide(kind schema.GroupVersionKind) bool {
	object := new(unstructured.Unstructured)
	object.SetGroupVersionKind(kind)
	return new(scopes).clusterWide(object)
}
