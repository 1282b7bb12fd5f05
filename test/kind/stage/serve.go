package stage

import (
	"context"
	"path"
	"strings"

	"github.com/back-stack/backstack/test/kind/stage/image"
	"github.com/back-stack/backstack/test/kind/stage/registry"
)

// StartRegistry runs a registry that pods and nodes reach, and that is empty as yet. It keeps its own files in dir.
func (s *Stage) StartRegistry(ctx context.Context, dir string) (*registry.Registry, error) {
	address, err := Gateway(ctx)
	if err != nil {
		return nil, err
	}
	return registry.Start(dir, address, s.Images().Blobs(), s.Packages().Blobs())
}

// PushImages puts the components' images into a registry, below a folder of it: quay.io/argoproj/argocd becomes
// HOST/folder/argoproj/argocd.
func (s *Stage) PushImages(ctx context.Context, to *registry.Registry, folder string) error {
	return push(ctx, s.Images(), to, folder)
}

// PushPackages puts the packages of functions into a registry, below a folder of it:
// HOST/folder/crossplane-contrib/function-auto-ready.
func (s *Stage) PushPackages(ctx context.Context, to *registry.Registry, folder string) error {
	return push(ctx, s.Packages(), to, folder)
}

func push(ctx context.Context, from image.Store, to *registry.Registry, folder string) error {
	names, err := from.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		img, err := from.Image(name)
		if err != nil {
			return err
		}
		_, repository, _ := strings.Cut(name, "/") // the full name of an image begins with a registry
		// Images without a folder of their own are in one called library, of which nobody knows.
		if err := to.Push(ctx, path.Join(folder, strings.TrimPrefix(repository, "library/")), img); err != nil {
			return err
		}
	}
	return nil
}
