package beads

import (
	"bytes"
	"fmt"
	"path"

	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/bead"
)

// spokesName is the file with the ApplicationSets that bring a Bead's objects to spokes. The hub's root Application
// applies it.
const spokesName = "spokes.yaml"

// clusterType is the label of the Secrets by which Argo CD knows clusters that tells spokes from the hub.
const (
	clusterType = "backstack.dev/cluster-type"
	typeSpoke   = "spoke"
)

// spokes returns one ApplicationSet for each group, which makes an Application for each spoke that the group is for.
func spokes(f *bead.Folder, groups []bead.SpokeGroup, hubURL string) ([]byte, error) {
	var out bytes.Buffer
	for _, group := range groups {
		text, err := yaml.Marshal(applicationSet(f, group, hubURL))
		if err != nil {
			return nil, fmt.Errorf("encoding the ApplicationSet of %s: %w", group.Name, err)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}

func applicationSet(f *bead.Folder, group bead.SpokeGroup, hubURL string) map[string]any {
	name := "bead-" + f.Metadata.Name + "-" + group.Name
	labels := map[string]any{bead.Label: f.Metadata.Name}
	match := map[string]any{clusterType: typeSpoke}
	for key, value := range group.Selector.MatchLabels {
		match[key] = value
	}
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet",
		"metadata": map[string]any{
			"name": name, "namespace": "argocd", "labels": labels,
			// Whether a spoke is healthy says nothing about the hub.
			"annotations": map[string]any{"argocd.argoproj.io/ignore-healthcheck": "true"},
		},
		"spec": map[string]any{
			"goTemplate": true, "goTemplateOptions": []any{"missingkey=error"},
			"generators": []any{map[string]any{"clusters": map[string]any{"selector": map[string]any{"matchLabels": match}}}},
			"template": map[string]any{
				"metadata": map[string]any{
					"name": name + "-{{ .nameNormalized }}",
					"labels": map[string]any{
						bead.Label: f.Metadata.Name, "backstack.dev/spoke": "{{ .nameNormalized }}",
					},
					"annotations": map[string]any{
						"argocd.argoproj.io/manifest-generate-paths": ".",
						"argocd.argoproj.io/compare-options":         "ServerSideDiff=true",
					},
					"finalizers": []any{"resources-finalizer.argocd.argoproj.io"},
				},
				"spec": map[string]any{
					"project": "bead-spokes",
					"source": map[string]any{
						"repoURL": hubURL, "targetRevision": "HEAD",
						"path":      path.Join(folder, f.Metadata.Name, "spokes", group.Name),
						"directory": map[string]any{"recurse": true},
					},
					"destination": map[string]any{"server": "{{ .server }}", "namespace": group.Namespace},
					"syncPolicy": map[string]any{
						"automated": map[string]any{"prune": true, "selfHeal": true},
						"syncOptions": []any{
							"ServerSideApply=true", "ApplyOutOfSyncOnly=true", "CreateNamespace=true", "FailOnSharedResource=true",
							"SkipDryRunOnMissingResource=true",
						},
						"retry": map[string]any{
							"limit": int64(10), "refresh": true,
							"backoff": map[string]any{"duration": "1s", "factor": int64(2), "maxDuration": "1m"},
						},
					},
				},
			},
		},
	}
}
