package helm

import (
	"path"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/engine"
)

// Scope is what templates that belong to no chart see as a chart's would.
type Scope struct {
	Chart   chart.Metadata
	Release Release
	Files   map[string][]byte // what .Files finds
}

// Templates renders files as Helm renders those of a chart's templates folder. Unlike there, a value that is not given is
// an error. The result has the same names.
func Templates(files map[string][]byte, scope Scope) (map[string]string, error) {
	capabilities, err := Capabilities()
	if err != nil {
		return nil, err
	}
	metadata := scope.Chart
	made := &chart.Chart{Metadata: &metadata}
	for name, content := range files {
		made.Templates = append(made.Templates, &chart.File{Name: name, Data: content})
	}
	for name, content := range scope.Files {
		made.Files = append(made.Files, &chart.File{Name: name, Data: content})
	}
	rendered, err := engine.Engine{Strict: true}.Render(made, map[string]any{
		"Values":       scope.Release.Values,
		"Capabilities": capabilities,
		"Release": map[string]any{
			"Name": scope.Release.Name, "Namespace": scope.Release.Namespace, "Revision": 1,
			"IsInstall": true, "IsUpgrade": false, "Service": "backstack",
		},
	})
	if err != nil {
		return nil, err
	}
	texts := make(map[string]string, len(files))
	for name := range files {
		texts[name] = rendered[path.Join(metadata.Name, name)]
	}
	return texts, nil
}
