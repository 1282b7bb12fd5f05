// Package charts holds one Helm chart for each component of a hub, and the one table of the versions that the project
// is made of. A chart brings what is ours about a component: its settings, the projects, functions and permissions
// that a hub wants. On an embedded hub, where the component's programs run as processes, that is all there is to
// deploy; where they run as pods, it is around upstream's chart.
package charts

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

// "all:" because Helm's helpers are files that begin with an underscore.
//
//go:embed all:argocd all:crossplane all:gitea all:kyverno all:traefik
var files embed.FS

// Component says which chart is a component's and where its objects live.
type Component struct {
	Name      string // the chart's folder, the release and the Argo CD Application
	Namespace string // where its namespaced objects go
	Pods      bool   // whether the chart is only for where components run as pods
}

// Components returns the components that have a chart, in the order in which they are installed.
func Components() []Component {
	return []Component{
		{Name: "argocd", Namespace: "argocd"},
		{Name: "crossplane", Namespace: "crossplane-system"},
		{Name: "gitea", Namespace: "gitea", Pods: true},
		{Name: "kyverno", Namespace: "kyverno"},
		{Name: "traefik", Namespace: "traefik", Pods: true},
	}
}

// Lookup returns the component called name, and false if there is none with a chart.
func Lookup(name string) (Component, bool) {
	all := Components()
	i := slices.IndexFunc(all, func(c Component) bool { return c.Name == name })
	if i < 0 {
		return Component{}, false
	}
	return all[i], true
}

// Files returns the files of a component's chart, Chart.yaml at the root.
func Files(component string) (fs.FS, error) {
	if _, ok := Lookup(component); !ok {
		return nil, fmt.Errorf("opening the chart of component %q: want one of argocd, crossplane, gitea, kyverno, traefik",
			component)
	}
	return fs.Sub(files, component)
}
