// Package image makes container images without a container engine: layers out of files, and images out of layers, kept
// as an OCI image layout.
package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
)

// File is an entry of a layer: a folder if Mode says so, a symbolic link if Link is set, otherwise a regular file with
// the bytes of the file Source or, without one, with Data.
type File struct {
	Path   string // in the image, without a leading slash; its folders need entries of their own only for mode or owner
	Mode   fs.FileMode
	Owner  int // user and group
	Link   string
	Source string
	Data   []byte
}

// header leaves out times, so that the same files make the same layer.
func (f File) header() (*tar.Header, error) {
	h := &tar.Header{Name: f.Path, Mode: int64(f.Mode.Perm()), Uid: f.Owner, Gid: f.Owner, Format: tar.FormatPAX}
	if f.Mode&fs.ModeSticky != 0 {
		h.Mode |= 0o1000
	}
	switch {
	case f.Mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(f.Path, "/")+"/"
	case f.Link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, f.Link, 0o777
	case f.Source != "":
		info, err := os.Stat(f.Source)
		if err != nil {
			return nil, err
		}
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	default:
		h.Typeflag, h.Size = tar.TypeReg, int64(len(f.Data))
	}
	return h, nil
}

func (f File) write(archive *tar.Writer) error {
	h, err := f.header()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(h); err != nil {
		return err
	}
	if f.Source == "" || h.Typeflag != tar.TypeReg {
		_, err := archive.Write(f.Data)
		return err
	}
	source, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	_, err = io.Copy(archive, source)
	return err
}

// layer is a file in a layout: a tar file, compressed by Zstandard, which takes a tenth of gzip's time.
type layer struct {
	path   string
	digest v1.Hash // of the file
	diffID v1.Hash // of the tar file
	size   int64
}

func (l *layer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *layer) Size() (int64, error)                { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error) { return types.OCILayerZStd, nil }
func (l *layer) Compressed() (io.ReadCloser, error)  { return os.Open(l.path) }
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	return nil, errors.New("a stored layer is only read as it is")
}

// Layer makes a layer of files, in their order.
func (s Store) Layer(files []File) (v1.Layer, error) {
	made, err := s.store(func(w io.Writer) error {
		archive := tar.NewWriter(w)
		for _, f := range files {
			if err := f.write(archive); err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
		}
		return archive.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("making a layer: %w", err)
	}
	return made, nil
}

// Copy makes a layer of another one's content.
func (s Store) Copy(of v1.Layer) (v1.Layer, error) {
	made, err := s.store(func(w io.Writer) error {
		content, err := of.Uncompressed()
		if err != nil {
			return err
		}
		defer func() { _ = content.Close() }()
		_, err = io.Copy(w, content)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("copying a layer: %w", err)
	}
	return made, nil
}

// store takes in a layer, under the name that its content gives it.
func (s Store) store(write func(io.Writer) error) (_ v1.Layer, err error) {
	temp, err := os.CreateTemp(s.dir, ".layer-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // which fails once it has its name
	defer func() { _ = temp.Close() }()

	packed, plain := sha256.New(), sha256.New()
	compressor, err := zstd.NewWriter(io.MultiWriter(temp, packed), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(write(io.MultiWriter(compressor, plain)), compressor.Close()); err != nil {
		return nil, err
	}
	info, err := temp.Stat()
	if err != nil {
		return nil, err
	}
	l := &layer{digest: sum(packed), diffID: sum(plain), size: info.Size()}
	l.path = filepath.Join(s.dir, "blobs", l.digest.Algorithm, l.digest.Hex)
	return l, errors.Join(temp.Chmod(0o644), temp.Close(), os.Rename(temp.Name(), l.path))
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
