package artifact

import (
	"bytes"
	"compress/gzip"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// Digest names files by the archive that Pack makes of them: sha256:HEX, the same for the same files wherever they came
// from. It refuses what Pack refuses.
func Digest(files map[string][]byte) (string, error) {
	layer, err := packLayer(files)
	if err != nil {
		return "", err
	}
	return digest.FromBytes(layer).String(), nil
}

// packLayer returns the archive of files. It is gzip without compression: how well a compressor does differs from one
// version of Go to the next, and with it the digest that locks hold would. A Bead is small as it is.
func packLayer(files map[string][]byte) ([]byte, error) {
	if err := check(files); err != nil {
		return nil, fmt.Errorf("packing the Bead's files: %w", err)
	}
	var layer bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&layer, gzip.NoCompression)
	if err == nil {
		err = writeTar(compressed, files)
	}
	if err == nil {
		err = compressed.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("packing the Bead's files: %w", err)
	}
	return layer.Bytes(), nil
}

// Unpack returns the files of a Bead's archive, which is a gzipped tar, however well it is compressed. An entry that is
// no regular file or folder, that leads out of the Bead's folder, that is there twice or too large makes it refuse them
// all.
func Unpack(layer []byte) (map[string][]byte, error) {
	if len(layer) > MaxLayer {
		return nil, fmt.Errorf("unpacking the Bead's files: the archive has %d bytes: want at most %d", len(layer), MaxLayer)
	}
	files, err := unpack(bytes.NewReader(layer))
	if err != nil {
		return nil, fmt.Errorf("unpacking the Bead's files: %w", err)
	}
	return files, nil
}

func unpack(layer *bytes.Reader) (map[string][]byte, error) {
	uncompressed, err := gzip.NewReader(layer)
	if err != nil {
		return nil, fmt.Errorf("the archive is not gzip: %w", err)
	}
	uncompressed.Multistream(false)
	files, err := readTar(uncompressed, beadLimits())
	if err != nil {
		return nil, err
	}
	if layer.Len() > 0 {
		return nil, fmt.Errorf("there are %d bytes after the end of the archive: want none", layer.Len())
	}
	return files, nil
}
