package hub

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
)

// imagesOf returns every image that the charts of these components of a hub name. Ports that install chooses are any here: no
// image depends on them.
func imagesOf(wanted *spec.Hub, components []string, fetched render.Archives) ([]PlannedImage, error) {
	located := locate(wanted)
	if kind := located.Spec.Kind; kind != nil && kind.Ports.HTTPS == 0 {
		kind.Ports.HTTPS = 443
	}
	tree, err := render.Hub(located, fetched)
	if err != nil {
		return nil, err
	}
	var images []PlannedImage
	for _, component := range components {
		objects, err := render.Component(tree, component)
		if err != nil {
			return nil, err
		}
		found := map[string]bool{}
		for _, object := range objects {
			collectImages(wanted, object, found)
		}
		for _, image := range slices.Sorted(maps.Keys(found)) {
			images = append(images, PlannedImage{component, image})
		}
	}
	return images, nil
}

// chartComponents are the components of a hub that have a chart.
func chartComponents(wanted *spec.Hub) []string {
	var names []string
	for _, component := range charts.Components() {
		if enabled(wanted, component.Name) {
			names = append(names, component.Name)
		}
	}
	return names
}

// collectImages finds the images of the pods that an object makes, and the package that it installs.
func collectImages(wanted *spec.Hub, object *unstructured.Unstructured, found map[string]bool) {
	if object.GroupVersionKind().Group == "pkg.crossplane.io" {
		if name, ok, _ := unstructured.NestedString(object.Object, "spec", "package"); ok {
			found[render.PackageSource(wanted, name)] = true
		}
		return
	}
	for _, pod := range [][]string{
		{"spec"}, {"spec", "template", "spec"}, {"spec", "jobTemplate", "spec", "template", "spec"},
	} {
		for _, kind := range []string{"containers", "initContainers"} {
			containers, _, _ := unstructured.NestedSlice(object.Object, append(slices.Clone(pod), kind)...)
			for _, item := range containers {
				if container, ok := item.(map[string]any); ok {
					if image, ok := container["image"].(string); ok {
						found[image] = true
					}
				}
			}
		}
	}
}

// checkImages says which images would not come from the registry that all are to come from: those that a component's values
// in hub.yaml name, or that they turn on in upstream's chart.
func checkImages(wanted *spec.Hub, fetched render.Archives) error {
	registry := wanted.Spec.Registry
	if registry == nil || !wanted.Spec.Provider.Pods() {
		return nil
	}
	var changed []string
	for _, component := range chartComponents(wanted) {
		if len(wanted.Spec.Components[component].Values) > 0 {
			changed = append(changed, component)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	images, err := imagesOf(wanted, changed, fetched)
	if err != nil {
		return err
	}
	var faults []error
	for _, image := range images {
		if !strings.HasPrefix(image.Image, registry.Prefix+"/") {
			faults = append(faults, fmt.Errorf("component %s has the image %s, which is not from spec.registry: want one below %s, in "+
				"spec.components.%[1]s.values", image.Component, image.Image, registry.Prefix))
		}
	}
	return errors.Join(faults...)
}
