package argocd

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/internal/kube"
)

var applicationSets = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applicationsets"}

// refreshPatch asks for what its controller does by itself a little later. The controller takes the annotation away.
const refreshPatch = `{"metadata":{"annotations":{"argocd.argoproj.io/application-set-refresh":"true"}}}`

// RefreshApplicationSet makes an ApplicationSet look at its generators' sources now, through the cluster's own API. The
// error is a Kubernetes one, for apierrors.IsNotFound and its like.
func RefreshApplicationSet(ctx context.Context, client *kube.Client, namespace, name string) error {
	_, err := client.Dynamic().Resource(applicationSets).Namespace(namespace).Patch(
		ctx, name, types.MergePatchType, []byte(refreshPatch), metav1.PatchOptions{FieldManager: kube.Backstack})
	return err
}
