package hub

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
)

// Plan is what an install would make. Its JSON form only grows.
type Plan struct {
	Hub        string             `json:"hub"`
	Provider   string             `json:"provider"`
	Components []PlannedComponent `json:"components"`
	Charts     []PlannedChart     `json:"charts"` // upstream's
	Images     []PlannedImage     `json:"images"` // of containers, and Crossplane's packages
}

// PlannedComponent is a component and its version.
type PlannedComponent struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// PlannedChart is one of upstream's charts.
type PlannedChart struct {
	Component string `json:"component"`
	Name      string `json:"name"`
	Version   string `json:"version"`
	Source    string `json:"source"` // a folder, a chart repository or a registry
	Digest    string `json:"digest"`
}

// PlannedImage is an image that the hub's cluster gets, or that its node is made of.
type PlannedImage struct {
	Component string `json:"component"` // or kind, for the node
	Image     string `json:"image"`
}

// NewPlan says what an install would make, and changes nothing. What is wrong with the request is the error, as of Install.
func NewPlan(ctx context.Context, o InstallOptions) (*Plan, error) {
	i, err := newInstall(ctx, o)
	if err != nil {
		return nil, err
	}
	wanted, name := i.spec, i.spec.Metadata.Name
	plan := &Plan{Hub: name, Provider: string(wanted.Spec.Provider), Charts: []PlannedChart{}, Images: []PlannedImage{}}
	for _, component := range enabledComponents(wanted) {
		plan.Components = append(plan.Components, PlannedComponent{component, versionOf(component, wanted)})
	}
	if !wanted.Spec.Provider.Pods() {
		return plan, nil
	}
	for _, component := range charts.Components() {
		if upstream, ok := render.UpstreamOf(wanted, component.Name); ok {
			plan.Charts = append(plan.Charts, PlannedChart{
				Component: component.Name, Name: upstream.Name, Version: upstream.Version,
				Source: cmp.Or(wanted.Spec.Charts, upstream.Repository), Digest: digest(i.charts[component.Name]),
			})
		}
	}
	if i.place.kind != nil {
		plan.Images = append(plan.Images, PlannedImage{string(spec.ProviderKind), i.place.kind.Image()})
	}
	return plan, plan.addImages(wanted, i.charts)
}

// addImages adds every image that the components' charts name. Ports that install chooses are any here: no image depends on
// them.
func (p *Plan) addImages(wanted *spec.Hub, fetched render.Archives) error {
	located := locate(wanted)
	if kind := located.Spec.Kind; kind != nil && kind.Ports.HTTPS == 0 {
		kind.Ports.HTTPS = 443
	}
	tree, err := render.Hub(located, fetched)
	if err != nil {
		return err
	}
	for _, component := range charts.Components() {
		if !enabled(wanted, component.Name) {
			continue
		}
		objects, err := render.Component(tree, component.Name)
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for _, object := range objects {
			collectImages(wanted, object, found)
		}
		for _, image := range slices.Sorted(maps.Keys(found)) {
			p.Images = append(p.Images, PlannedImage{component.Name, image})
		}
	}
	return nil
}

// collectImages finds the images of the pods that an object makes, and the package that it installs.
func collectImages(wanted *spec.Hub, object *unstructured.Unstructured, found map[string]bool) {
	if object.GroupVersionKind().Group == "pkg.crossplane.io" {
		if name, ok, _ := unstructured.NestedString(object.Object, "spec", "package"); ok {
			found[render.PackageSource(wanted, name)] = true
		}
		return
	}
	for _, kind := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(object.Object, "spec", "template", "spec", kind)
		for _, item := range containers {
			if container, ok := item.(map[string]any); ok {
				if image, ok := container["image"].(string); ok {
					found[image] = true
				}
			}
		}
	}
}
