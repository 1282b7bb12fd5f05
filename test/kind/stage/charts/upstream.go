package charts

import (
	"io/fs"
	"slices"

	versions "github.com/back-stack/backstack/charts"
)

// crossplane is the chart in Crossplane's module. Its version is set when it is released; in the module it is 0.0.1.
func crossplane(module fs.FS) (files, error) {
	chart, err := folder(module, "cluster/charts/crossplane")
	if err != nil {
		return nil, err
	}
	return chart, chart.edit(func(about map[string]any) {
		about["version"], about["appVersion"] = versions.Crossplane, versions.Crossplane
	})
}

// absent are those dependencies of Kyverno's chart that are in none of its modules. Each is off unless values ask for
// it.
var absent = []string{"openreports", "reports-server"}

// kyverno is the chart in Kyverno's module, with the one it depends on for the custom resource definitions of
// policies.kyverno.io: kyverno-api, which is in the module of Kyverno's API.
func kyverno(module, api fs.FS) (files, error) {
	chart, err := folder(module, "charts/kyverno")
	if err != nil {
		return nil, err
	}
	definitions, err := folder(api, "charts/kyverno-api")
	if err != nil {
		return nil, err
	}
	delete(chart, "Chart.lock") // of the dependencies as they were
	wanted := ""
	if err := chart.edit(func(about map[string]any) {
		dependencies, _ := about["dependencies"].([]any)
		about["dependencies"] = slices.DeleteFunc(dependencies, func(dependency any) bool {
			d, _ := dependency.(map[string]any)
			name, _ := d["name"].(string)
			if name == "kyverno-api" {
				wanted, _ = d["version"].(string)
			}
			return slices.Contains(absent, name)
		})
	}); err != nil {
		return nil, err
	}
	// Its version, too, is set when it is released.
	if err := definitions.edit(func(about map[string]any) { about["version"] = wanted }); err != nil {
		return nil, err
	}
	for name, data := range definitions {
		chart["charts/kyverno-api/"+name] = data
	}
	return chart, nil
}
