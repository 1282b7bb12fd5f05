package image

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nameAnnotation is where containerd finds an image's name when it imports a layout.
const nameAnnotation = "io.containerd.image.name"

// Store is a folder of images: an OCI image layout.
type Store struct{ dir string }

// Create makes an empty store at dir, in place of what is there.
func Create(dir string) (Store, error) {
	err := errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755))
	if err == nil {
		_, err = layout.Write(dir, empty.Index)
	}
	if err != nil {
		return Store{}, fmt.Errorf("making the images' folder %s: %w", dir, err)
	}
	return Store{dir: dir}, nil
}

// Open returns the store at dir.
func Open(dir string) Store { return Store{dir: dir} }

// Blobs is the folder of the images' parts: files called by the SHA-256 of their content.
func (s Store) Blobs() string { return filepath.Join(s.dir, "blobs", "sha256") }

// Spec says what an image is.
type Spec struct {
	Name   string // as a pod names it
	Layers []v1.Layer
	Config v1.Config
	// Annotations of the layer with their index, in the manifest.
	Annotations map[int]map[string]string
}

// Add puts an image into the store.
func (s Store) Add(spec Spec) error {
	image, err := spec.image()
	if err == nil {
		var full string
		if full, err = FullName(spec.Name); err == nil {
			err = layout.Path(s.dir).AppendImage(image, layout.WithAnnotations(map[string]string{nameAnnotation: full}))
		}
	}
	if err != nil {
		return fmt.Errorf("making the image %s: %w", spec.Name, err)
	}
	return nil
}

func (s Spec) image() (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for i, l := range s.Layers {
		var err error
		if image, err = mutate.Append(image, mutate.Addendum{Layer: l, Annotations: s.Annotations[i]}); err != nil {
			return nil, err
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", runtime.GOARCH, s.Config
	return mutate.ConfigFile(image, config)
}

// Names are those of the store's images, as containerd has them.
func (s Store) Names() ([]string, error) {
	images, err := s.descriptors()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, d := range images {
		names = append(names, d.Annotations[nameAnnotation])
	}
	slices.Sort(names)
	return names, nil
}

// Image returns the store's image called as containerd has it.
func (s Store) Image(full string) (v1.Image, error) {
	images, err := s.descriptors()
	if err != nil {
		return nil, err
	}
	for _, d := range images {
		if d.Annotations[nameAnnotation] == full {
			return layout.Path(s.dir).Image(d.Digest)
		}
	}
	return nil, fmt.Errorf("reading the images in %s: there is no %s", s.dir, full)
}

func (s Store) descriptors() ([]v1.Descriptor, error) {
	index, err := layout.ImageIndexFromPath(s.dir)
	if err != nil {
		return nil, fmt.Errorf("reading the images in %s: %w", s.dir, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("reading the images in %s: %w", s.dir, err)
	}
	return manifest.Manifests, nil
}

// FullName is an image's name with the registry, the folder and the tag that a pod may leave out, as containerd has it.
func FullName(short string) (string, error) {
	ref, err := name.ParseReference(short)
	if err != nil {
		return "", err
	}
	return strings.Replace(ref.Name(), name.DefaultRegistry+"/", "docker.io/", 1), nil
}
