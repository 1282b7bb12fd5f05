package charts

// Versions of everything that a hub is made of. They were built and run together; a test keeps the charts and the
// engine's modules in step with them.
const (
	Kubernetes                = "1.36.3"
	Etcd                      = "3.6.8"
	ArgoCD                    = "3.5.7"
	Helm                      = "3.21.4"
	Crossplane                = "2.4.0"
	FunctionAutoReady         = "0.6.0"
	FunctionPatchAndTransform = "0.5.0"
	Kyverno                   = "1.19.1"
	Gitea                     = "1.25.2"
	Traefik                   = "3.6.7"        // of a hub on kind
	Redis                     = "8.2.3-alpine" // of Argo CD as pods: the tag that its chart pins
)

// Version is a part of a hub and its version, without a leading "v".
type Version struct {
	Name    string
	Version string
}

// Versions lists every part of a hub, in the order in which a person would think of them.
func Versions() []Version {
	return []Version{
		{"kubernetes", Kubernetes},
		{"etcd", Etcd},
		{"argocd", ArgoCD},
		{"helm", Helm},
		{"crossplane", Crossplane},
		{"function-auto-ready", FunctionAutoReady},
		{"function-patch-and-transform", FunctionPatchAndTransform},
		{"kyverno", Kyverno},
		{"gitea", Gitea},
	}
}
