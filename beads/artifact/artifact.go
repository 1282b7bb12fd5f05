// Package artifact is a Bead as one thing that can be handed on: its files as a reproducible archive, the archive as an
// OCI artifact, the artifact as a file or in a registry, and its signature.
//
// The same files give the same bytes on every machine, so one digest names a Bead wherever it came from. What is read
// was made by somebody else: all of it is limited in size, and whatever is no plain tree of small files is refused.
package artifact

import (
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// The media types of a Bead. The layer's is that of every image, so that common tools can unpack it.
const (
	ArtifactType = "application/vnd.backstack.bead.v1"
	ConfigType   = "application/vnd.backstack.bead.config.v1+json"
	LayerType    = ocispec.MediaTypeImageLayerGzip
)

// What a Bead may be at most. A Bead is text that people read.
const (
	MaxFiles = 2000     // and as many folders
	MaxFile  = 1 << 20  // bytes of one file
	MaxTotal = 16 << 20 // bytes of all files
	MaxName  = 255      // bytes of one path

	// MaxLayer is for the archive, packed or unpacked, in bytes: the files, and for each a header, padding and, where its
	// name needs one, an extended header.
	MaxLayer = MaxTotal + MaxFiles*4<<10

	maxManifest = 256 << 10
	maxConfig   = 64 << 10
)

// About is what an artifact says of the Bead in it, for whoever has not unpacked it.
type About struct {
	Name        string `json:"name"`
	Version     string `json:"version"` // a semantic version
	Description string `json:"description,omitempty"`
	License     string `json:"license,omitempty"` // an SPDX expression
}

// Package is one Bead as an OCI artifact. It is whole: what Pack makes, and what ReadFile and Pull return, was checked.
type Package struct {
	About About
	Files map[string][]byte // slash-separated paths from the Bead's folder, and contents

	manifest, config, layer blob
}

// Digest names the artifact, as in oci://HOST/REPOSITORY@DIGEST: it is that of the manifest.
func (p *Package) Digest() string { return p.manifest.Digest.String() }

// LayerDigest names the archive in the artifact. For a Package of Pack's it is Digest of its files.
func (p *Package) LayerDigest() string { return p.layer.Digest.String() }

// blob is content that is stored by its digest.
type blob struct {
	ocispec.Descriptor
	content []byte
}

func newBlob(mediaType string, data []byte) blob {
	return blob{Descriptor: content.NewDescriptorFromBytes(mediaType, data), content: data}
}
