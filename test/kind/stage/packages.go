package stage

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/back-stack/backstack/test/kind/stage/image"
)

// makePackages makes the packages of the composition functions. Crossplane takes a package's content from the layer
// with this annotation, and runs the whole image.
func (p parts) makePackages(to image.Store) error {
	layer, err := to.Layer([]image.File{
		{Path: "function", Mode: 0o755, Source: p.engine.Program("crossplane-functions")},
	})
	if err != nil {
		return fmt.Errorf("making the packages of functions: %w", err)
	}
	for _, f := range p.engine.Manifest.Packages {
		content, err := packageLayer(to, filepath.Join(p.engine.Dir, filepath.FromSlash(f.Path)))
		if err != nil {
			return fmt.Errorf("making the package of %s: %w", f.Name, err)
		}
		if err := to.Add(image.Spec{
			Name:   "xpkg.crossplane.io/crossplane-contrib/" + f.Name + ":" + f.Version,
			Layers: []v1.Layer{p.static, content, layer},
			Config: v1.Config{
				Entrypoint: []string{"/function", f.Name}, User: "65532",
				Env: []string{"PATH=" + searchPath}, ExposedPorts: map[string]struct{}{"9443/tcp": {}},
			},
			Annotations: map[int]map[string]string{1: {"io.crossplane.xpkg": "base"}},
		}); err != nil {
			return err
		}
	}
	return nil
}

// packageLayer is the layer of a package's content, which the engine has compressed.
func packageLayer(to image.Store, path string) (v1.Layer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	content, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, err
	}
	return to.Layer([]image.File{{Path: "package.yaml", Mode: 0o644, Data: data}})
}
