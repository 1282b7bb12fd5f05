package bead

import (
	"bytes"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/helm"
)

// Manifest is an object that a Bead brings.
type Manifest struct {
	File   string // the file of the Bead that it comes from
	Line   int    // where it begins in what was rendered of the file, counted from 1; 0 if it comes from a chart
	Object *unstructured.Unstructured
}

// Where says where the object comes from.
func (m Manifest) Where() string {
	if m.Line == 0 {
		return m.File
	}
	return fmt.Sprintf("%s:%d", m.File, m.Line)
}

// Documents splits a YAML stream into its documents, without empty ones.
func Documents(text string) []Document {
	var documents []Document
	current := Document{Line: 1}
	flush := func() {
		if len(bytes.TrimSpace(withoutComments(current.Text))) > 0 {
			documents = append(documents, current)
		}
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if marker := strings.TrimRight(line, "\r\n \t"); marker == "---" || strings.HasPrefix(line, "--- ") {
			flush()
			current = Document{Line: number + 1}
			if rest := strings.TrimPrefix(line, "---"); strings.TrimSpace(rest) != "" {
				current = Document{Line: number, Text: []byte(rest)}
			}
			continue
		}
		current.Text = append(current.Text, line...)
	}
	flush()
	return documents
}

// Document is one document of a YAML stream.
type Document struct {
	Line int // where it begins, counted from 1
	Text []byte
}

func withoutComments(text []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// manifests reads the objects of a rendered file.
func manifests(file, text string) ([]Manifest, error) {
	var found []Manifest
	for _, document := range Documents(text) {
		object, err := helm.Object(document.Text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: reading an object: %w", file, document.Line, err)
		}
		if object.GetAPIVersion() == "" || object.GetKind() == "" || object.GetName() == "" {
			return nil, fmt.Errorf("%s:%d: this is no object: want apiVersion, kind and metadata.name", file, document.Line)
		}
		found = append(found, Manifest{File: file, Line: document.Line, Object: object})
	}
	return found, nil
}
