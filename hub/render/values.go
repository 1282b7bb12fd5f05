package render

import (
	"strings"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
)

// PullSecret is the name of the Secret with the login for the hub's registry, in the namespace of each component.
const PullSecret = "hub-registry"

// NodeFolder is the folder of a kind cluster's node in which Gitea keeps its data.
const NodeFolder = "/var/lib/backstack/gitea"

// values are what a component's chart is told about the hub.
func (v *view) values(h *spec.Hub, component string) map[string]any {
	values := map[string]any{"hub": v.Name}
	if component == spec.ArgoCD {
		values["url"] = v.URL
		values["repositories"] = map[string]any{"hub": v.Repositories.Hub, "requests": v.Repositories.Requests}
	}
	if !v.Pods {
		return values
	}
	if host := Host(h, component); host != "" && (component == spec.ArgoCD || component == spec.Gitea) {
		values["ingress"] = map[string]any{"class": h.Spec.Ingress.Class, "host": host}
	}
	version := string(h.Spec.Components[component].Version)
	switch component {
	case spec.ArgoCD:
		values["argo-cd"] = argoValues(h, version)
	case spec.Crossplane:
		crossplaneValues(values, h, version)
	case spec.Kyverno:
		values["kyverno"] = kyvernoValues(h, version)
	case spec.Gitea:
		values["image"] = image(h, "docker.gitea.com/gitea", version+"-rootless")
		if ingress, ok := values["ingress"].(map[string]any); ok && !v.Traefik {
			ingress["foreign"] = true
		}
		if h.Spec.Provider == spec.ProviderKind {
			values["persistence"] = map[string]any{"hostPath": NodeFolder}
		}
	case spec.Traefik:
		values["image"] = image(h, "docker.io/traefik", "v"+version)
		values["class"] = h.Spec.Ingress.Class
	}
	if _, upstream := charts.UpstreamOf(component); !upstream {
		addPullSecrets(values, "imagePullSecrets", h)
	}
	return values
}

// image is an image as most charts want it.
func image(h *spec.Hub, repository, tag string) map[string]any {
	return map[string]any{"repository": repositoryOf(h, repository), "tag": tag}
}

// repositoryOf is where the hub gets an image from that upstream keeps in repository.
func repositoryOf(h *spec.Hub, repository string) string {
	if h.Spec.Registry == nil {
		return repository
	}
	_, path, _ := strings.Cut(repository, "/")
	return h.Spec.Registry.Prefix + "/" + path
}

// PackageSource is where the hub gets a package of Crossplane from that is called name: in a registry of the hub's own,
// Crossplane finds those of its authors' registries by the ImageConfig of its chart, and goes on to call them name.
func PackageSource(h *spec.Hub, name string) string {
	host, _, _ := strings.Cut(name, "/")
	if host == "xpkg.crossplane.io" || host == "xpkg.upbound.io" {
		return repositoryOf(h, name)
	}
	return name
}

// login says whether images are fetched with a login.
func login(h *spec.Hub) bool { return h.Spec.Registry != nil && h.Spec.Registry.DockerConfig != "" }

// addPullSecrets adds the login to values, under key.
func addPullSecrets(values map[string]any, key string, h *spec.Hub) {
	if login(h) {
		values[key] = []any{map[string]any{"name": PullSecret}}
	}
}

func argoValues(h *spec.Hub, version string) map[string]any {
	global := map[string]any{"image": image(h, "quay.io/argoproj/argocd", "v"+version)}
	addPullSecrets(global, "imagePullSecrets", h)
	return map[string]any{
		"global": global,
		"redis":  map[string]any{"image": image(h, "ecr-public.aws.com/docker/library/redis", charts.Redis)},
	}
}

func crossplaneValues(values map[string]any, h *spec.Hub, version string) {
	upstream := map[string]any{"image": image(h, "xpkg.crossplane.io/crossplane/crossplane", "v"+version)}
	values["crossplane"] = upstream
	if h.Spec.Registry == nil {
		return
	}
	if login(h) {
		upstream["imagePullSecrets"] = []any{PullSecret} // this chart wants names
	}
	if h.Spec.Registry.CA != "" {
		upstream["registryCaBundleConfig"] = map[string]any{"name": "hub-registry-ca", "key": "ca.crt"}
	}
	values["registry"] = map[string]any{
		"prefix": h.Spec.Registry.Prefix, "login": login(h), "ca": h.Spec.Registry.CA,
	}
}

// kyvernoValues set the tag of each image on its own: the chart's version says another if hub.yaml asks for another.
func kyvernoValues(h *spec.Hub, version string) map[string]any {
	tag := func(name string) map[string]any {
		fields := map[string]any{"tag": "v" + version}
		if h.Spec.Registry != nil {
			host, path, _ := strings.Cut(repositoryOf(h, "reg.kyverno.io/kyverno/"+name), "/")
			fields["registry"], fields["repository"] = host, path
		}
		return map[string]any{"image": fields}
	}
	values := map[string]any{
		"admissionController":  map[string]any{"container": tag("kyverno"), "initContainer": tag("kyvernopre")},
		"backgroundController": tag("background-controller"),
		"cleanupController":    tag("cleanup-controller"),
		"reportsController":    tag("reports-controller"),
	}
	global := map[string]any{}
	addPullSecrets(global, "imagePullSecrets", h)
	if login(h) {
		values["existingImagePullSecrets"] = []any{PullSecret}
	}
	if h.Spec.Registry != nil && h.Spec.Registry.CA != "" {
		global["caCertificates"] = map[string]any{"data": h.Spec.Registry.CA}
	}
	if len(global) > 0 {
		values["global"] = global
	}
	return values
}
