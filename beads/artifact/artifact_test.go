package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"strings"
	"testing"
)

// example returns the files of a Bead.
func example() map[string][]byte {
	return map[string][]byte{
		"bead.yaml":               []byte("apiVersion: backstack.dev/v1alpha1\nkind: Bead\n"),
		"composites/cluster.yaml": []byte("kind: Composition\n"),
		"templates/gke/skeleton/${{ values.id }}.md": []byte("# ${{ values.id }}\n"),
		"empty": {},
		"templates/gke/skeleton/" + strings.Repeat("long/", 30) + "Größe.yaml": []byte("x: 1\n"),
	}
}

func about() About {
	return About{Name: "gke", Version: "0.1.0", Description: "Clusters on GKE", License: "Apache-2.0"}
}

// packed returns the artifact of the example.
func packed(t *testing.T) *Package {
	t.Helper()
	p, err := Pack(example(), about())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// archive is a way to make what Unpack reads.
type archive struct {
	headers []tar.Header // with the Size of content
	content []byte       // of each
}

// entry is a regular file.
func entry(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }

// layer returns the archive, compressed as other tools would.
func (a archive) layer(t *testing.T) []byte {
	t.Helper()
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, header := range a.headers {
		regular := header.Typeflag == tar.TypeReg
		if regular {
			header.Size = int64(len(a.content))
		}
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if regular {
			if _, err := w.Write(a.content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return compress(t, plain.Bytes())
}

func compress(t *testing.T, plain []byte) []byte {
	t.Helper()
	var layer bytes.Buffer
	w := gzip.NewWriter(&layer)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return layer.Bytes()
}

func wantFiles(t *testing.T, got, want map[string][]byte) {
	t.Helper()
	if !maps.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("files %v, want %v", sorted(got), sorted(want))
	}
}

// wantError wants an error with all of the texts in it.
func wantError(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", texts)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q, want %q in it", err, text)
		}
	}
}

// many returns so many files.
func many(n int) map[string][]byte {
	files := make(map[string][]byte, n)
	for i := range n {
		files[fmt.Sprintf("f%05d", i)] = nil
	}
	return files
}
