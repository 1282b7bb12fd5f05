package artifact

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// newManifest says what the artifact is. It has no date: one would make each packing another artifact.
func newManifest(about About, config, layer ocispec.Descriptor) ([]byte, error) {
	annotations := map[string]string{
		ocispec.AnnotationTitle:   about.Name,
		ocispec.AnnotationVersion: about.Version,
	}
	if about.Description != "" {
		annotations[ocispec.AnnotationDescription] = about.Description
	}
	if about.License != "" {
		annotations[ocispec.AnnotationLicenses] = about.License
	}
	return json.Marshal(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: ArtifactType,
		Config:       config,
		Layers:       []ocispec.Descriptor{layer},
		Annotations:  annotations,
	})
}

// readManifest reads a manifest and names everything that keeps it from being a Bead's.
func readManifest(data []byte) (*ocispec.Manifest, error) {
	manifest := new(ocispec.Manifest)
	if err := json.Unmarshal(data, manifest); err != nil {
		return nil, fmt.Errorf("the manifest is no JSON: %w", err)
	}
	if got := manifest.MediaType; got != "" && got != ocispec.MediaTypeImageManifest {
		return nil, fmt.Errorf("the manifest is %s: want %s", got, ocispec.MediaTypeImageManifest)
	}
	if got := manifest.ArtifactType; got != ArtifactType {
		return nil, fmt.Errorf("it is no Bead, its artifactType is %q: want %s", got, ArtifactType)
	}
	faults := []error{checkDescriptor("config", manifest.Config, ConfigType, maxConfig)}
	if n := len(manifest.Layers); n != 1 {
		faults = append(faults, fmt.Errorf("the manifest has %d layers: want one", n))
	}
	for _, layer := range manifest.Layers {
		faults = append(faults, checkDescriptor("layer", layer, LayerType, MaxLayer))
	}
	return manifest, errors.Join(faults...)
}

// checkDescriptor judges what a manifest says of one of its parts, before any of it is fetched.
func checkDescriptor(part string, d ocispec.Descriptor, mediaType string, max int64) error {
	switch {
	case d.MediaType != mediaType:
		return fmt.Errorf("the %s is %q: want %s", part, d.MediaType, mediaType)
	case d.Size < 0 || d.Size > max:
		return fmt.Errorf("the %s has %d bytes: want at most %d", part, d.Size, max)
	case d.Digest.Validate() != nil || d.Digest.Algorithm() != digest.SHA256:
		return fmt.Errorf("the %s has the digest %q: want sha256: and 64 hexadecimal digits", part, d.Digest)
	}
	return nil
}
