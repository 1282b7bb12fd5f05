package kube

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// hashAnnotation tells from which file a definition was installed, so that installing it again costs no request.
const hashAnnotation = "backstack.dev/sha256"

var crdResource = schema.GroupVersionResource{
	Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
}

// InstallCRDs makes the custom resource definitions in the files below dirs known to the cluster, and waits until it
// serves them. What is there from the same file is left alone.
func (c *Client) InstallCRDs(ctx context.Context, dirs ...string) error {
	wanted, err := ReadCRDs(dirs...)
	if err != nil {
		return err
	}
	present, err := c.metadata.Resource(crdResource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing custom resource definitions: %w", err)
	}
	missing := maps.Clone(wanted)
	for _, item := range present.Items {
		if want, ok := wanted[item.Name]; ok && item.Annotations[hashAnnotation] == want.GetAnnotations()[hashAnnotation] {
			delete(missing, item.Name)
		}
	}
	if err := c.Apply(ctx, Backstack, slices.Collect(maps.Values(missing))...); err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	return c.awaitEstablished(ctx, missing)
}

// ApplyDefinitions makes custom resource definitions what they say, under the name of manager, and waits until the API
// server serves them.
func (c *Client) ApplyDefinitions(ctx context.Context, manager string, definitions ...*unstructured.Unstructured) error {
	if len(definitions) == 0 {
		return nil
	}
	if err := c.Apply(ctx, manager, definitions...); err != nil {
		return err
	}
	wanted := map[string]*unstructured.Unstructured{}
	for _, definition := range definitions {
		wanted[definition.GetName()] = definition
	}
	return c.awaitEstablished(ctx, wanted)
}

// awaitEstablished waits until the API server serves every one of the definitions.
func (c *Client) awaitEstablished(ctx context.Context, wanted map[string]*unstructured.Unstructured) error {
	return c.Until(ctx, crdResource, "", func(objects []*unstructured.Unstructured) (bool, string) {
		waiting := maps.Clone(wanted)
		for _, obj := range objects {
			if Condition(obj, "Established") == "True" {
				delete(waiting, obj.GetName())
			}
		}
		return len(waiting) == 0, "custom resource definitions to be served: " +
			strings.Join(slices.Sorted(maps.Keys(waiting)), ", ")
	}, nil)
}

// ReadCRDs reads the definitions in all YAML and JSON files below dirs, by name.
func ReadCRDs(dirs ...string) (map[string]*unstructured.Unstructured, error) {
	found := map[string]*unstructured.Unstructured{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if extension := filepath.Ext(path); err != nil || entry.IsDir() || extension != ".yaml" && extension != ".json" {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			obj := &unstructured.Unstructured{}
			// JSON is read without the detour through YAML, which takes twenty times as long.
			unmarshal := json.Unmarshal
			if filepath.Ext(path) == ".yaml" {
				unmarshal = unmarshalYAML
			}
			if err := unmarshal(data, &obj.Object); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if obj.GetKind() != "CustomResourceDefinition" {
				return nil // a kustomization, for example
			}
			annotate(obj, hashAnnotation, hash(data))
			found[obj.GetName()] = obj
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading the custom resource definitions in %s: %w", dir, err)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("reading custom resource definitions: %w in %s", errNone, strings.Join(dirs, ", "))
	}
	return found, nil
}

func unmarshalYAML(data []byte, into any) error { return yaml.Unmarshal(data, into) }

var errNone = errors.New("there are none")

func annotate(obj *unstructured.Unstructured, key, value string) {
	annotations := obj.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[key] = value
	obj.SetAnnotations(annotations)
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
