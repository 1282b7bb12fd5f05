package embedded

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/argocd"
	"github.com/back-stack/backstack/internal/kube"
)

var applications = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}

// followCommits makes Argo CD look for new Beads whenever it has seen a new commit of hub.git, until ctx ends. Argo CD's
// API server takes Gitea's webhook, but its ApplicationSet controller understands only that of others and would look every
// few minutes.
func (l Layout) followCommits(ctx context.Context) error {
	client, err := kube.New(l.Kubeconfig())
	if err != nil {
		return err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	seen, fault := "", error(nil)
	root := metav1.ListOptions{FieldSelector: "metadata.name=hub"}
	err = client.UntilMatching(watching, applications, "argocd", root, func(apps []*unstructured.Unstructured) (bool, string) {
		for _, app := range apps {
			revision, _, _ := unstructured.NestedString(app.Object, "status", "sync", "revision")
			if revision == "" || revision == seen {
				continue
			}
			if seen != "" {
				fault = refreshBeads(ctx, client)
			}
			seen = revision
		}
		return fault != nil, "commits of hub.git"
	}, nil)
	if fault != nil {
		return fault
	}
	return err
}

// refreshBeads asks the ApplicationSet of the Beads to look at hub.git now.
func refreshBeads(ctx context.Context, client *kube.Client) error {
	err := argocd.RefreshApplicationSet(ctx, client, "argocd", "beads")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("telling Argo CD to look for Beads: %w", err)
	}
	return nil
}
