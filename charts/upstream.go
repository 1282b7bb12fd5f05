package charts

import "io/fs"

// Upstream is the chart of a component that its authors publish, and that ours is around where the component runs as
// pods.
type Upstream struct {
	Name       string // as it is called in Repository
	Version    string // the pinned one, which is not the component's
	Repository string // where its authors publish it
	Digest     string // of the pinned version's archive, sha256:HEX; empty where it is not known before it is fetched
}

// UpstreamOf returns upstream's chart of a component, and false if ours is all there is: Gitea and Traefik are one
// Deployment each here, and upstream's charts of them would bring databases and definitions that a hub has no use for.
func UpstreamOf(component string) (Upstream, bool) {
	upstream, ok := map[string]Upstream{
		"argocd": {
			Name: "argo-cd", Version: "10.1.1", Repository: "https://argoproj.github.io/argo-helm",
			Digest: "sha256:a677dfa6ca7e9f9a71fe9bf54ea86a9011d5c7db8e137c5171e78c4493af20e5",
		},
		"crossplane": {Name: "crossplane", Version: Crossplane, Repository: "https://charts.crossplane.io/stable"},
		"kyverno":    {Name: "kyverno", Version: "3.9.1", Repository: "https://kyverno.github.io/kyverno"},
	}[component]
	return upstream, ok
}

// PodsFile is the file of a chart that is not part of it, but laid over its values where the component runs as pods.
const PodsFile = "pods.yaml"

// Pods returns what is laid over the values of a component's chart where the component runs as pods, and nil if nothing
// is.
func Pods(component string) []byte {
	content, err := fs.ReadFile(files, component+"/"+PodsFile)
	if err != nil {
		return nil
	}
	return content
}
