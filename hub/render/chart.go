package render

import (
	"fmt"
	"path"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/helm"
)

// Chart returns the objects of the chart in a folder of the tree, in the order in which Helm installs them: what "helm
// template" prints for a release that is called like the folder.
func Chart(tree Tree, dir, namespace string) ([]*unstructured.Unstructured, error) {
	objects, err := helm.Chart(tree.Sub(dir), helm.Release{Name: path.Base(dir), Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("rendering the chart in %s: %w", dir, err)
	}
	return objects, nil
}
