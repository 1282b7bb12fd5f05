package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"

	"github.com/back-stack/backstack/internal/atomicfile"
)

// layoutLimits are for an OCI layout: three blobs, two files that describe them, the folders, and some for tools that
// add files of their own.
func layoutLimits() limits {
	return limits{files: 32, file: MaxLayer, total: MaxLayer + 1<<20, stream: MaxLayer + 2<<20}
}

// WriteFile writes the artifact to a file: a tar of an OCI image layout, the same bytes for the same artifact. The file
// is whole or as it was before.
func (p *Package) WriteFile(path string) error {
	data, err := p.layout()
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return atomicfile.Write(path, data, 0o644)
}

// layout returns the tar of the layout.
func (p *Package) layout() ([]byte, error) {
	described := p.manifest.Descriptor
	described.Annotations = map[string]string{ocispec.AnnotationRefName: p.About.Version}
	index, err := json.Marshal(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{described},
	})
	if err != nil {
		return nil, err
	}
	version, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{ocispec.ImageLayoutFile: version, ocispec.ImageIndexFile: index}
	for _, b := range []blob{p.manifest, p.config, p.layer} {
		files[blobPath(b.Digest)] = b.content
	}
	var layout bytes.Buffer
	err = writeTar(&layout, files)
	return layout.Bytes(), err
}

// ReadFile reads an artifact that WriteFile wrote, and checks all of it.
func ReadFile(path string) (*Package, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the Bead: %w", err)
	}
	defer func() { _ = file.Close() }()
	files, err := readTar(file, layoutLimits())
	if err != nil {
		return nil, fmt.Errorf("reading %s: want a file made by bead package: %w", path, err)
	}
	p, err := openLayout(files)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return p, nil
}

// openLayout finds the one artifact of a layout.
func openLayout(files map[string][]byte) (*Package, error) {
	for _, name := range []string{ocispec.ImageLayoutFile, ocispec.ImageIndexFile} {
		if _, ok := files[name]; !ok {
			return nil, fmt.Errorf("there is no %s in it: want an OCI layout, as bead package makes it", name)
		}
	}
	var index ocispec.Index
	if err := json.Unmarshal(files[ocispec.ImageIndexFile], &index); err != nil {
		return nil, fmt.Errorf("%s is no JSON: %w", ocispec.ImageIndexFile, err)
	}
	if n := len(index.Manifests); n != 1 {
		return nil, fmt.Errorf("%s has %d manifests: want one Bead in a file", ocispec.ImageIndexFile, n)
	}
	described := index.Manifests[0]
	if err := checkDescriptor("manifest", described, ocispec.MediaTypeImageManifest, maxManifest); err != nil {
		return nil, err
	}
	// A layout in memory waits for nothing.
	ctx := context.Background()
	manifest, err := fetch(ctx, blobs(files), "manifest", described)
	if err != nil {
		return nil, err
	}
	return open(ctx, manifest, blobs(files))
}

// blobs are the files of a layout, found by digest.
type blobs map[string][]byte

// Fetch returns the content with the digest of target; the digest is valid.
func (b blobs) Fetch(_ context.Context, target ocispec.Descriptor) (io.ReadCloser, error) {
	data, ok := b[blobPath(target.Digest)]
	if !ok {
		return nil, fmt.Errorf("%w: want %s", errdef.ErrNotFound, blobPath(target.Digest))
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func blobPath(d digest.Digest) string { return "blobs/" + d.Algorithm().String() + "/" + d.Encoded() }
