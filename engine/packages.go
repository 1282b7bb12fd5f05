package engine

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// packagesDir is where the contents of Crossplane packages are, below the engine's folder.
const packagesDir = "share/crossplane/packages"

// writePackages makes the contents of the Crossplane packages from the functions' modules. Their manifest entries lack
// what measure finds out.
func (w *workspace) writePackages(dir string) ([]Package, error) {
	var packages []Package
	for _, f := range w.module.packages {
		version, err := w.pins.version(f.module)
		if err != nil {
			return nil, err
		}
		stream, err := packageStream(os.DirFS(w.folders[f.module]))
		if err != nil {
			return nil, fmt.Errorf("making the package of %s: %w", f.name, err)
		}
		path := packagesDir + "/" + f.name + ".gz"
		if err := writeGzip(filepath.Join(dir, filepath.FromSlash(path)), stream); err != nil {
			return nil, fmt.Errorf("making the package of %s: %w", f.name, err)
		}
		digest := sha256.Sum256(stream)
		packages = append(packages, Package{
			Name: f.name, Module: f.module, Version: version, Digest: hex.EncodeToString(digest[:]), File: File{Path: path},
		})
	}
	return packages, nil
}

// packageStream joins the YAML files of a function's package folder: its metadata, then the definitions of its inputs.
func packageStream(module fs.FS) ([]byte, error) {
	inputs, err := fs.Glob(module, "package/input/*.yaml")
	if err != nil {
		return nil, err
	}
	var stream bytes.Buffer
	for _, name := range append([]string{"package/crossplane.yaml"}, inputs...) {
		data, err := fs.ReadFile(module, name)
		if err != nil {
			return nil, err
		}
		data = bytes.TrimSpace(data)
		if !bytes.HasPrefix(data, []byte("---\n")) {
			stream.WriteString("---\n")
		}
		stream.Write(data)
		stream.WriteByte('\n')
	}
	return stream.Bytes(), nil
}

// writeGzip writes data compressed, without a time, so that the same data makes the same file.
func writeGzip(path string, data []byte) error {
	var packed bytes.Buffer
	compressor := gzip.NewWriter(&packed)
	if _, err := compressor.Write(data); err != nil {
		return err
	}
	if err := compressor.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, packed.Bytes(), 0o644)
}
