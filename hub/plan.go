package hub

import (
	"cmp"
	"context"

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
	images, err := imagesOf(wanted, chartComponents(wanted), i.charts)
	plan.Images = append(plan.Images, images...)
	return plan, err
}
