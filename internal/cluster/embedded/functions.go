package embedded

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/supervisor"
)

var functionRevisions = schema.GroupVersionResource{Group: "pkg.crossplane.io", Version: "v1", Resource: "functionrevisions"}

// Supervise runs the supervisor of the hub whose files are in dir until it is told to stop. Beside the processes it does
// what Crossplane leaves to whoever runs functions: it tells Crossplane where they are.
func Supervise(ctx context.Context, dir string) error {
	l := Layout{Root: dir}
	return supervisor.Run(ctx, supervisor.Options{
		Dir: l.Supervisor(),
		Background: []supervisor.Background{func(ctx context.Context, _ *supervisor.Supervisor) error {
			return l.announceFunctions(ctx)
		}},
	})
}

// announceFunctions keeps the endpoint of every active revision of a function up to date, until ctx ends.
func (l Layout) announceFunctions(ctx context.Context) error {
	ports, err := choosePorts(l.Ports(), nil)
	if err != nil {
		return err
	}
	client, err := kube.New(l.Kubeconfig())
	if err != nil {
		return err
	}
	endpoints := map[string]string{}
	for _, f := range functions() {
		endpoints[f.Name] = loopbackAddress(ports[f.Port])
	}
	var fault error
	watching, stop := context.WithCancel(ctx)
	defer stop()
	err = client.Until(watching, functionRevisions, "", func(revisions []*unstructured.Unstructured) (bool, string) {
		for _, revision := range revisions {
			if fault = announce(ctx, client, revision, endpoints); fault != nil {
				return true, ""
			}
		}
		return false, "revisions of functions"
	}, nil)
	if fault != nil {
		return fault
	}
	return err
}

// announce writes the endpoint of the function into a revision of it, if it is active and says otherwise.
func announce(ctx context.Context, client *kube.Client, revision *unstructured.Unstructured, endpoints map[string]string) error {
	endpoint, ours := endpoints[revision.GetLabels()["pkg.crossplane.io/package"]]
	state, _, _ := unstructured.NestedString(revision.Object, "spec", "desiredState")
	current, _, _ := unstructured.NestedString(revision.Object, "status", "endpoint")
	if !ours || state != "Active" || current == endpoint {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"endpoint": endpoint}})
	if err != nil {
		return fmt.Errorf("encoding the endpoint of %s: %w", revision.GetName(), err)
	}
	_, err = client.Dynamic().Resource(functionRevisions).Patch(
		ctx, revision.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "backstack"}, "status")
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("telling Crossplane where %s is: %w", revision.GetName(), err)
	}
	return nil
}
