package beads

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// waveAnnotation orders what Argo CD applies: https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/
const waveAnnotation = "argocd.argoproj.io/sync-wave"

// files returns what is in a Bead's folder of hub.git.
func files(f *bead.Folder, rendered *bead.Rendered, lock *Lock, hubURL string) (bead.Files, error) {
	out := bead.Files{bead.FileName: f.Files[bead.FileName]}
	content, err := strictyaml.Encode(lock)
	if err != nil {
		return nil, fmt.Errorf("encoding the lock of Bead %s: %w", f.Metadata.Name, err)
	}
	out[lockName] = content
	first := hasApplication(rendered)
	for _, group := range rendered.Hub {
		dir := path.Join(string(group.Part), group.Name)
		if err := write(out, dir, group.Manifests, wave(group, first)); err != nil {
			return nil, err
		}
	}
	for _, group := range rendered.Spokes {
		if err := write(out, path.Join("spokes", group.Name), group.Manifests, 0); err != nil {
			return nil, err
		}
	}
	if len(rendered.Spokes) > 0 {
		if out[spokesName], err = spokes(f, rendered.Spokes, hubURL); err != nil {
			return nil, err
		}
	}
	for name, content := range rendered.Catalog {
		out[path.Join("catalog", name)] = content
	}
	return out, nil
}

func hasApplication(rendered *bead.Rendered) bool {
	return slices.ContainsFunc(rendered.Hub, func(g bead.Group) bool { return g.Part == bead.PartApplication })
}

// wave is the sync wave of a group. What defines and guards comes before the applications that use it.
func wave(group bead.Group, applications bool) int {
	switch {
	case group.Part == bead.PartApplication:
		return group.Wave
	case applications:
		return min(group.Wave, -1)
	}
	return 0
}

// write adds one file for each file of the Bead that objects come from.
func write(out bead.Files, dir string, manifests []bead.Manifest, wave int) error {
	used := make(map[string]bool)
	for _, m := range manifests {
		name := path.Join(dir, fileName(m, used))
		annotate(m.Object, wave)
		text, err := yaml.Marshal(m.Object.Object)
		if err != nil {
			return fmt.Errorf("encoding %s %s: %w", m.Object.GetKind(), m.Object.GetName(), err)
		}
		out[name] = text
	}
	return nil
}

// fileName is KIND-NAME.yaml, with the namespace where it takes that to be the only one.
func fileName(m bead.Manifest, used map[string]bool) string {
	parts := []string{m.Object.GetKind(), m.Object.GetName()}
	for used[strings.Join(parts, "-")] {
		parts = append(parts, cmpOr(m.Object.GetNamespace(), m.Object.GroupVersionKind().Group), strconv.Itoa(len(used)))
	}
	name := strings.Join(parts, "-")
	used[name] = true
	return strings.Map(func(r rune) rune {
		if r == ':' || r == '/' {
			return '-'
		}
		return r
	}, strings.ToLower(name)) + ".yaml"
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// annotate sets an object's sync wave, unless the Bead's author did.
func annotate(object *unstructured.Unstructured, wave int) {
	annotations := object.GetAnnotations()
	if _, own := annotations[waveAnnotation]; own || wave == 0 {
		return
	}
	annotations = maps.Clone(annotations)
	if annotations == nil {
		annotations = make(map[string]string)
	}
	annotations[waveAnnotation] = strconv.Itoa(wave)
	object.SetAnnotations(annotations)
}

// put makes the files those of a Bead's folder, in the files of hub.git.
func put(tree map[string][]byte, name string, files bead.Files) {
	prefix := path.Join(folder, name) + "/"
	maps.DeleteFunc(tree, func(file string, _ []byte) bool { return strings.HasPrefix(file, prefix) })
	for file, content := range files {
		tree[prefix+file] = content
	}
}
