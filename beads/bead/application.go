package bead

import (
	"context"
	"errors"
	"fmt"
	"path"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/helm"
)

// applicationManifests returns the objects of an application.
func (r *renderer) applicationManifests(ctx context.Context, a Application) ([]Manifest, error) {
	dir := path.Join(string(PartApplication), a.Name)
	files := r.folder.applicationFiles(a.Name)
	_, isChart := files["Chart.yaml"]
	_, isKustomization := files["kustomization.yaml"]
	switch {
	case a.Chart != nil:
		if r.fetch == nil {
			return nil, fmt.Errorf("chart %s %s is in %s, which is not read here", a.Chart.Name, a.Chart.Version, a.Chart.Repository)
		}
		fetched, err := r.fetch(ctx, *a.Chart)
		if err != nil {
			return nil, err
		}
		return r.chart(a, path.Join("chart", a.Chart.Name), fetched)
	case isChart:
		return r.chart(a, dir, files)
	case isKustomization:
		return r.kustomization(dir, a)
	}
	return r.plain(a)
}

// own are the files of an application as they are named in the Bead.
func (r *renderer) own(a Application) func(string) bool {
	folder := path.Join(string(PartApplication), a.Name)
	return func(name string) bool {
		dir := path.Dir(name)
		return within(dir, folder) || a.Name == r.folder.Metadata.Name && dir == string(PartApplication)
	}
}

// within says whether dir is outer or a folder below it.
func within(dir, outer string) bool {
	return dir == outer || len(dir) > len(outer) && dir[:len(outer)+1] == outer+"/"
}

func (r *renderer) plain(a Application) ([]Manifest, error) {
	return r.read(r.texts(PartApplication, r.own(a))), nil
}

// chart renders a Helm chart, with the application's values laid over the chart's.
func (r *renderer) chart(a Application, where string, files map[string][]byte) ([]Manifest, error) {
	values, err := r.chartValues(a)
	if err != nil {
		return nil, err
	}
	objects, err := helm.Chart(files, helm.Release{Name: a.Name, Namespace: a.Namespace, Values: values})
	if err != nil {
		return nil, err
	}
	return fromObjects(where, objects), nil
}

// chartValues renders an application's values.
func (r *renderer) chartValues(a Application) (map[string]any, error) {
	if a.Values == "" {
		return map[string]any{}, nil
	}
	name := "values of application " + a.Name
	texts, err := r.folder.execute(PartApplication, Files{name: []byte(a.Values)}, r.hub, r.values)
	if err != nil {
		return nil, err
	}
	var values map[string]any
	if err := yaml.Unmarshal([]byte(texts[name]), &values); err != nil {
		return nil, fmt.Errorf("reading its values: %w", err)
	}
	wholeNumbers(values)
	return values, nil
}

// kustomization builds a kustomization from its rendered files. It reads nothing from outside of the Bead.
func (r *renderer) kustomization(dir string, a Application) ([]Manifest, error) {
	files := filesys.MakeFsInMemory()
	texts := r.texts(PartApplication, r.own(a))
	for name, content := range r.folder.Files {
		if !r.own(a)(name) {
			continue
		}
		if text, rendered := texts[name]; rendered {
			content = []byte(text)
		}
		if err := files.WriteFile("/"+name, content); err != nil {
			return nil, err
		}
	}
	if len(texts) == 0 {
		return nil, errors.New("its files cannot be rendered")
	}
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/"+dir)
	if err != nil {
		return nil, fmt.Errorf("building the kustomization: %w", err)
	}
	var objects []*unstructured.Unstructured
	for _, resource := range resources.Resources() {
		content, err := resource.AsYAML()
		if err != nil {
			return nil, err
		}
		object, err := helm.Object(content)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return fromObjects(path.Join(dir, "kustomization.yaml"), objects), nil
}

func fromObjects(where string, objects []*unstructured.Unstructured) []Manifest {
	found := make([]Manifest, 0, len(objects))
	for _, object := range objects {
		found = append(found, Manifest{File: where, Object: object})
	}
	return found
}
