package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// Pack makes an artifact of files. The same arguments give the same bytes.
func Pack(files map[string][]byte, about About) (*Package, error) {
	if about.Name == "" || about.Version == "" {
		return nil, fmt.Errorf("packing the Bead: its name is %q and its version %q: want both", about.Name, about.Version)
	}
	layer, err := packLayer(files)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(about)
	if err != nil {
		return nil, fmt.Errorf("packing the Bead: %w", err)
	}
	p := &Package{About: about, Files: files, config: newBlob(ConfigType, config), layer: newBlob(LayerType, layer)}
	manifest, err := newManifest(about, p.config.Descriptor, p.layer.Descriptor)
	if err != nil {
		return nil, fmt.Errorf("packing the Bead: %w", err)
	}
	p.manifest = newBlob(ocispec.MediaTypeImageManifest, manifest)
	p.manifest.ArtifactType = ArtifactType
	return p, nil
}

// open makes a Package of a manifest and of what it names, which is fetched from storage and must be what it says.
func open(ctx context.Context, manifest blob, storage content.Fetcher) (*Package, error) {
	parsed, err := readManifest(manifest.content)
	if err != nil {
		return nil, err
	}
	p := &Package{manifest: manifest}
	if p.config, err = fetch(ctx, storage, "config", parsed.Config); err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(p.config.content))
	if err := decoder.Decode(&p.About); err != nil {
		return nil, fmt.Errorf("the config is no JSON: %w", err)
	}
	if p.About.Name == "" || p.About.Version == "" {
		return nil, errors.New("the config has no name or no version: want both")
	}
	if p.layer, err = fetch(ctx, storage, "layer", parsed.Layers[0]); err != nil {
		return nil, err
	}
	p.Files, err = Unpack(p.layer.content)
	return p, err
}

// fetch returns a part of an artifact; its size was judged.
func fetch(ctx context.Context, storage content.Fetcher, part string, d ocispec.Descriptor) (blob, error) {
	data, err := content.FetchAll(ctx, storage, d)
	switch {
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrTrailingData):
		return blob{}, fmt.Errorf("the %s is not what its digest %s says, somebody changed it: %w", part, d.Digest, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return blob{}, fmt.Errorf("the %s is shorter than described, it was cut off or changed: %w", part, err)
	case err != nil:
		return blob{}, fmt.Errorf("fetching the %s %s: %w", part, d.Digest, err)
	}
	return blob{Descriptor: d, content: data}, nil
}
