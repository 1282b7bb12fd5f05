// Package charts packs the upstream charts that a hub's charts lie around, from the Go modules of Argo CD, Crossplane
// and Kyverno: a chart repository that needs no network. Crossplane's and Kyverno's are upstream's own. Argo CD's is
// not in a module, so it gets a stand-in.
package charts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"sigs.k8s.io/yaml"
)

// Modules are the folders of the Go modules that charts are taken from.
type Modules struct {
	ArgoCD     fs.FS // github.com/argoproj/argo-cd/v3
	Crossplane fs.FS // github.com/crossplane/crossplane/v2
	Kyverno    fs.FS // github.com/kyverno/kyverno
	KyvernoAPI fs.FS // github.com/kyverno/api
}

// Chart is a packed chart.
type Chart struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	File    string `json:"file"`   // its name in the folder
	SHA256  string `json:"sha256"` // of the file, in lower-case hexadecimal
}

// Write packs every chart into dir, with the index.yaml of a chart repository, in place of what is there.
func Write(dir string, from Modules) ([]Chart, error) {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return nil, fmt.Errorf("making the charts' folder: %w", err)
	}
	var written []Chart
	for _, c := range []struct {
		name string
		make func() (files, error)
	}{
		{"argo-cd", func() (files, error) { return argoCD(from.ArgoCD) }},
		{"crossplane", func() (files, error) { return crossplane(from.Crossplane) }},
		{"kyverno", func() (files, error) { return kyverno(from.Kyverno, from.KyvernoAPI) }},
	} {
		content, err := c.make()
		if err != nil {
			return nil, fmt.Errorf("making the chart %s: %w", c.name, err)
		}
		chart, err := content.pack(dir)
		if err != nil {
			return nil, fmt.Errorf("packing the chart %s: %w", c.name, err)
		}
		written = append(written, chart)
	}
	return written, writeIndex(dir, written)
}

// files are those of a chart, by their paths in it.
type files map[string][]byte

const metadata = "Chart.yaml"

// folder reads what is below a folder.
func folder(from fs.FS, dir string) (files, error) {
	found := files{}
	return found, fs.WalkDir(from, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, name)
		found[filepath.ToSlash(below)] = data
		return err
	})
}

// edit changes what Chart.yaml says.
func (f files) edit(change func(map[string]any)) error {
	var content map[string]any
	if err := yaml.Unmarshal(f[metadata], &content); err != nil {
		return fmt.Errorf("%s: %w", metadata, err)
	}
	change(content)
	data, err := yaml.Marshal(content)
	f[metadata] = data
	return err
}

// pack writes the chart as an archive that is the same for the same files.
func (f files) pack(dir string) (Chart, error) {
	var about struct{ Name, Version string }
	if err := yaml.Unmarshal(f[metadata], &about); err != nil {
		return Chart{}, fmt.Errorf("%s: %w", metadata, err)
	}
	var packed bytes.Buffer
	compressor := gzip.NewWriter(&packed)
	archive := tar.NewWriter(compressor)
	// Helm wants Chart.yaml first.
	names := slices.Sorted(maps.Keys(f))
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for _, name := range names {
		header := &tar.Header{Name: path.Join(about.Name, name), Mode: 0o644, Size: int64(len(f[name]))}
		if err := archive.WriteHeader(header); err != nil {
			return Chart{}, err
		}
		if _, err := archive.Write(f[name]); err != nil {
			return Chart{}, err
		}
	}
	if err := errors.Join(archive.Close(), compressor.Close()); err != nil {
		return Chart{}, err
	}
	digest := sha256.Sum256(packed.Bytes())
	c := Chart{
		Name: about.Name, Version: about.Version, File: about.Name + "-" + about.Version + ".tgz",
		SHA256: hex.EncodeToString(digest[:]),
	}
	return c, os.WriteFile(filepath.Join(dir, c.File), packed.Bytes(), 0o644)
}

func rank(name string) int {
	if name == metadata {
		return 0
	}
	return 1
}

// writeIndex makes the folder a chart repository, for whoever serves it.
func writeIndex(dir string, charts []Chart) error {
	entries := map[string]any{}
	for _, c := range charts {
		entries[c.Name] = []any{map[string]any{
			"apiVersion": "v2", "name": c.Name, "version": c.Version, "digest": c.SHA256, "urls": []string{c.File},
		}}
	}
	data, err := yaml.Marshal(map[string]any{"apiVersion": "v1", "entries": entries})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "index.yaml"), data, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing the charts' index: %w", err)
	}
	return nil
}
