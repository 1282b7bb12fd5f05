package bead

import (
	"maps"
	"path"
	"strings"
)

// Texts renders every file that is a template, as Render does, but without reading what is in them and, where a part
// does not render as a whole, file by file: one that cannot be rendered hides nothing of the others. It returns what
// was rendered, and the errors of the other files, by file.
func (f *Folder) Texts(hub Hub, values map[string]any) (texts map[string]string, faults map[string]error) {
	texts, faults = make(map[string]string), make(map[string]error)
	for _, part := range Parts() {
		files := f.Templates(part)
		if len(files) == 0 {
			continue
		}
		if rendered, err := f.execute(part, files, hub, values); err == nil {
			maps.Copy(texts, rendered)
			continue
		}
		for name, content := range files {
			rendered, err := f.execute(part, Files{name: content}, hub, values)
			if err != nil {
				faults[name] = err
				continue
			}
			maps.Copy(texts, rendered)
		}
	}
	return texts, faults
}

// Templates are the files of a part that are templates: neither those of a Helm chart, which Helm renders, nor those of
// a skeleton.
func (f *Folder) Templates(part Part) Files {
	found := make(Files)
	for name, content := range f.Files {
		rest, inside := strings.CutPrefix(name, string(part)+"/")
		switch {
		case !inside, !isManifest(name):
		case part == PartTemplates && skeleton(rest):
		case part == PartApplication && f.inChart(rest):
		default:
			found[name] = content
		}
	}
	return found
}

// inChart says whether a file of application/ is of a Helm chart in the Bead.
func (f *Folder) inChart(name string) bool {
	folder, _, nested := strings.Cut(name, "/")
	if !nested {
		folder = ""
	}
	_, isChart := f.Files[path.Join(string(PartApplication), folder, "Chart.yaml")]
	return isChart
}
