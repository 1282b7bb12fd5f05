package engine

import _ "embed"

// sourcesZip holds the nested modules: platform and gitea.
//
//go:generate go run ./internal/sources/generate
//go:embed sources.zip
var sourcesZip string

// Programs returns what the engine of this version of backstack has, in no particular order but always the same.
func Programs() ([]Program, error) { return hubRecipe().programs() }

// hubRecipe is the one place that says what a hub's engine consists of. Versions are in the nested modules' go.mod.
func hubRecipe() recipe {
	return recipe{sources: sourcesZip, modules: []nestedModule{platformModule(), giteaModule()}}
}

// platformModule is everything that shares the Kubernetes libraries.
func platformModule() nestedModule {
	const (
		kubernetes = "k8s.io/kubernetes"
		argocd     = "github.com/argoproj/argo-cd/v3"
		miniredis  = "github.com/alicebob/miniredis/v2"
		helm       = "helm.sh/helm/v3"
		crossplane = "github.com/crossplane/crossplane/v2"
		kyverno    = "github.com/kyverno/kyverno"
		transform  = "github.com/crossplane-contrib/function-patch-and-transform"
		ready      = "github.com/crossplane/function-auto-ready"

		kubernetesVersion = "k8s.io/component-base/version"
	)
	return nestedModule{
		dir: "platform",
		targets: []target{
			{name: "kubernetes", component: "kubernetes", module: kubernetes, pkg: "./kubernetes", stamps: []stamp{
				{kubernetesVersion + ".gitVersion", full},
				{kubernetesVersion + ".gitMajor", major},
				{kubernetesVersion + ".gitMinor", minor},
			}},
			{name: "argocd", component: "argocd", module: argocd, pkg: "./argocd", stamps: []stamp{
				{argocd + "/common.version", bare},
			}},
			{name: "helm", component: "argocd", module: helm, pkg: helm + "/cmd/helm", stamps: []stamp{
				{helm + "/internal/version.version", full},
			}},
			{name: "redis", component: "argocd", module: miniredis, pkg: "./redis"},
			{name: "crossplane", component: "crossplane", module: crossplane, pkg: "./crossplane", stamps: []stamp{
				{"github.com/crossplane/crossplane-runtime/v2/pkg/version.version", full},
			}},
			{name: "crossplane-functions", component: "crossplane", module: transform, pkg: "./functions"},
			{name: "kyverno", component: "kyverno", module: kyverno, pkg: "./kyverno", stamps: []stamp{
				{kyverno + "/pkg/version.BuildVersion", full},
			}},
		},
		copies: []fileCopy{
			{module: argocd, from: []string{"manifests/crds/*-crd.yaml"}, to: "share/argocd/crds", asJSON: true,
				trims: argocdTrims()},
			// The repository server runs it, and takes its failure for that of the whole revision.
			{module: argocd, from: []string{"hack/git-verify-wrapper.sh"}, to: "bin"},
			{module: crossplane, from: []string{"cluster/crds/*.yaml"}, to: "share/crossplane/crds", asJSON: true,
				trims: crossplaneTrims()},
			{module: crossplane, from: []string{"cluster/webhookconfigurations/*.yaml"},
				to: "share/crossplane/webhookconfigurations"},
			{module: kyverno, from: []string{"config/crds/*"}, to: "share/kyverno/crds", asJSON: true,
				trims: kyvernoTrims()},
		},
		packages: []functionPackage{
			{name: "function-patch-and-transform", module: transform},
			{name: "function-auto-ready", module: ready},
		},
	}
}

// giteaModule is Gitea with SQLite, which is written in C.
func giteaModule() nestedModule {
	const gitea = "code.gitea.io/gitea"
	return nestedModule{
		dir:  "gitea",
		cgo:  true,
		tags: []string{"sqlite", "sqlite_unlock_notify"},
		targets: []target{
			{name: "gitea", component: "gitea", module: gitea, pkg: gitea, stamps: []stamp{
				{"main.Version", bare},
			}},
		},
		copies: []fileCopy{
			{module: gitea, from: []string{"options", "public", "templates"}, to: "share/gitea"},
		},
	}
}
