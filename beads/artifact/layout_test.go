package artifact

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"
)

func TestFileIsReproducible(t *testing.T) {
	const want = "sha256:67604ec11089d2a7a120d3262aaf5c5d65214b1101406575b8c7ee512e1cbb11"
	dir := t.TempDir()
	first, second := filepath.Join(dir, "gke-0.1.0.tar"), filepath.Join(dir, "again.tar")
	for _, path := range []string{first, second} {
		if err := packed(t).WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	a, b := read(t, first), read(t, second)
	if !bytes.Equal(a, b) {
		t.Error("the second file differs from the first")
	}
	if got := packed(t).Digest(); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestFileIsReadBack(t *testing.T) {
	path, written := filepath.Join(t.TempDir(), "gke.tar"), packed(t)
	if err := written.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	p, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, p.Files, example())
	if p.About != about() || p.Digest() != written.Digest() || p.LayerDigest() != written.LayerDigest() {
		t.Errorf("read %+v %s %s, want %+v %s %s", p.About, p.Digest(), p.LayerDigest(),
			about(), written.Digest(), written.LayerDigest())
	}
}

func TestFileIsAnOCILayoutToOtherTools(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gke.tar")
	if err := packed(t).WriteFile(path); err != nil {
		t.Fatal(err)
	}
	layout, err := oci.NewFromTar(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := layout.Resolve(t.Context(), "0.1.0")
	if err != nil || d.Digest.String() != packed(t).Digest() || d.ArtifactType != ArtifactType {
		t.Errorf("0.1.0 is %+v, error %v, want %s", d, err, packed(t).Digest())
	}
}

func TestManifestSaysWhatTheBeadIs(t *testing.T) {
	var manifest ocispec.Manifest
	if err := json.Unmarshal(packed(t).manifest.content, &manifest); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"org.opencontainers.image.title": "gke", "org.opencontainers.image.version": "0.1.0",
		"org.opencontainers.image.description": "Clusters on GKE", "org.opencontainers.image.licenses": "Apache-2.0",
	}
	if !maps.Equal(manifest.Annotations, want) {
		t.Errorf("annotations %v, want %v", manifest.Annotations, want)
	}
	if manifest.ArtifactType != "application/vnd.backstack.bead.v1" ||
		manifest.Config.MediaType != "application/vnd.backstack.bead.config.v1+json" {
		t.Errorf("artifact type %s, config %s", manifest.ArtifactType, manifest.Config.MediaType)
	}
}

// A layout in which one thing is wrong.
func TestReadFileRefuses(t *testing.T) {
	cases := []struct {
		name    string
		damage  func(t *testing.T, files map[string][]byte)
		message string
	}{
		{"a layer that was changed", replace("layer", flip), "the layer is not what its digest"},
		{"a config that was changed", replace("config", flip), "the config is not what its digest"},
		{"a manifest that was changed", replace("manifest", flip), "the manifest is not what its digest"},
		{"a layer that goes on", replace("layer", longer), "the layer is not what"},
		{"a layer that was cut off", replace("layer", shorter), "the layer is shorter"},
		{"a layer that is not there", drop("layer"), "fetching the layer sha256:"},
		{"no index", func(_ *testing.T, f map[string][]byte) { delete(f, "index.json") }, "no index.json"},
		{"no layout", func(_ *testing.T, f map[string][]byte) { delete(f, "oci-layout") }, "no oci-layout"},
		{"an index that is no JSON", func(_ *testing.T, f map[string][]byte) { f["index.json"] = []byte("x") }, "no JSON"},
		{"two manifests", func(_ *testing.T, f map[string][]byte) {
			f["index.json"] = []byte(`{"manifests":[{},{}]}`)
		}, "has 2 manifests: want one"},
		{"a digest that is a path", func(_ *testing.T, f map[string][]byte) {
			f["index.json"] = indexOf(`"digest":"../../etc"`)
		}, `the digest "../../etc"`},
		{"a large manifest", func(_ *testing.T, f map[string][]byte) {
			f["index.json"] = indexOf(`"size":262145`)
		}, "the manifest has 262145 bytes: want at most 262144"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			layout, err := packed(t).layout()
			if err != nil {
				t.Fatal(err)
			}
			files, err := readTar(bytes.NewReader(layout), layoutLimits())
			if err != nil {
				t.Fatal(err)
			}
			tc.damage(t, files)
			wantError(t, readBack(t, files), "gke.tar: ", tc.message)
		})
	}
}

// indexOf is an index with one manifest, of which one more field is said.
func indexOf(field string) []byte {
	return []byte(`{"manifests":[{"mediaType":"` + ocispec.MediaTypeImageManifest + `",` + field + `}]}`)
}

// flip changes content without changing its size.
func flip(data []byte) []byte {
	changed := bytes.Clone(data)
	changed[len(changed)/2] ^= 1
	return changed
}

// longer and shorter change the size.
func longer(data []byte) []byte  { return append(bytes.Clone(data), 0) }
func shorter(data []byte) []byte { return data[1:] }

// replace changes what is stored for a part.
func replace(part string, change func([]byte) []byte) func(*testing.T, map[string][]byte) {
	return func(t *testing.T, files map[string][]byte) {
		path := partPath(t, part)
		files[path] = change(files[path])
	}
}

// drop takes a part out.
func drop(part string) func(*testing.T, map[string][]byte) {
	return func(t *testing.T, files map[string][]byte) { delete(files, partPath(t, part)) }
}

func partPath(t *testing.T, part string) string {
	p := packed(t)
	return blobPath(map[string]blob{"layer": p.layer, "config": p.config, "manifest": p.manifest}[part].Digest)
}

// readBack returns what ReadFile finds wrong.
func readBack(t *testing.T, files map[string][]byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gke.tar")
	var layout bytes.Buffer
	if err := writeTar(&layout, files); err != nil {
		t.Fatal(err)
	}
	write(t, path, layout.String())
	_, err := ReadFile(path)
	return err
}

func TestReadFileRefusesWhatIsNoLayout(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"text.tar": strings.Repeat("x", 2000), "short.tar": "x"} {
		write(t, filepath.Join(dir, name), content)
		_, err := ReadFile(filepath.Join(dir, name))
		wantError(t, err, name, "want a file made by bead package")
	}
	_, err := ReadFile(filepath.Join(dir, "missing.tar"))
	wantError(t, err, "missing.tar", "no such file")
}

// A manifest in which one thing is not a Bead's.
func TestReadManifestRefuses(t *testing.T) {
	cases := []struct {
		name    string
		change  func(m *ocispec.Manifest)
		message []string
	}{
		{"an index", func(m *ocispec.Manifest) { m.MediaType = ocispec.MediaTypeImageIndex },
			[]string{"image.index", "want"}},
		{"another artifact", func(m *ocispec.Manifest) { m.ArtifactType = "application/vnd.cncf.flux.config.v1+json" },
			[]string{"no Bead", "vnd.cncf.flux"}},
		{"an image", func(m *ocispec.Manifest) { m.ArtifactType = "" }, []string{`artifactType is ""`}},
		{"another config", func(m *ocispec.Manifest) { m.Config.MediaType = ocispec.MediaTypeImageConfig },
			[]string{"the config is"}},
		{"a large config", func(m *ocispec.Manifest) { m.Config.Size = maxConfig + 1 },
			[]string{"the config has 65537 bytes"}},
		{"several layers", func(m *ocispec.Manifest) { m.Layers = append(m.Layers, m.Layers[0]) },
			[]string{"2 layers: want one"}},
		{"no layer", func(m *ocispec.Manifest) { m.Layers = nil }, []string{"0 layers: want one"}},
		{"another compression", func(m *ocispec.Manifest) { m.Layers[0].MediaType = ocispec.MediaTypeImageLayerZstd },
			[]string{"the layer is", "tar+zstd"}},
		{"a large layer", func(m *ocispec.Manifest) { m.Layers[0].Size = MaxLayer + 1 },
			[]string{"the layer has 24969217 bytes"}},
		{"a layer of less than nothing", func(m *ocispec.Manifest) { m.Layers[0].Size = -1 },
			[]string{"the layer has -1 bytes"}},
		{"a weak digest", func(m *ocispec.Manifest) { m.Layers[0].Digest = "md5:d41d8cd98f00b204e9800998ecf8427e" },
			[]string{"the layer has the digest", "md5"}},
		{"two faults", func(m *ocispec.Manifest) { m.Config.Size, m.Layers = maxConfig+1, nil },
			[]string{"the config has 65537 bytes", "0 layers"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var manifest ocispec.Manifest
			if err := json.Unmarshal(packed(t).manifest.content, &manifest); err != nil {
				t.Fatal(err)
			}
			tc.change(&manifest)
			data, err := json.Marshal(manifest)
			if err != nil {
				t.Fatal(err)
			}
			_, err = readManifest(data)
			wantError(t, err, tc.message...)
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
