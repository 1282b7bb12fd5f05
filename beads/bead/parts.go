package bead

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// Part is one of the things that a Bead can bring. Its value is the name of its folder.
type Part string

// The parts of a Bead.
const (
	PartApplication Part = "application" // Argo CD: what runs
	PartTemplates   Part = "templates"   // Backstage: templates and catalog entities
	PartComposites  Part = "composites"  // Crossplane: what people can ask for
	PartPolicies    Part = "policies"    // Kyverno: what is let in
)

// TestsFolder is where a Bead's tests are.
const TestsFolder = "tests"

// spokePolicies is the folder of the policies that are for spokes.
const spokePolicies = "policies/spokes"

// Parts lists all parts, in the order in which they are applied.
func Parts() []Part { return []Part{PartComposites, PartPolicies, PartApplication, PartTemplates} }

func partFolders() []string {
	folders := make([]string, 0, len(Parts()))
	for _, part := range Parts() {
		folders = append(folders, string(part)+"/")
	}
	slices.Sort(folders)
	return folders
}

// Parts lists the parts that the Bead has.
func (f *Folder) Parts() []Part {
	var parts []Part
	for _, part := range Parts() {
		has := part == PartApplication && len(f.Spec.Applications) > 0
		for name := range f.Files {
			has = has || strings.HasPrefix(name, string(part)+"/") && isManifest(name)
		}
		if has {
			parts = append(parts, part)
		}
	}
	return parts
}

// Applications are the Bead's applications with every default filled in: those of spec.applications, and the folders of
// application/ that it does not name. They are in the order in which they are applied.
func (f *Folder) Applications() []Application {
	all := make(map[string]Application)
	for _, application := range f.Spec.Applications {
		all[application.Name] = application
	}
	for name := range f.Files {
		rest, ok := strings.CutPrefix(name, string(PartApplication)+"/")
		if !ok || !isManifest(rest) {
			continue
		}
		folder, _, nested := strings.Cut(rest, "/")
		if !nested {
			folder = f.Metadata.Name
		}
		if _, named := all[folder]; !named {
			all[folder] = Application{Name: folder}
		}
	}
	sorted := slices.Collect(maps.Values(all))
	for i := range sorted {
		if sorted[i].Namespace == "" {
			sorted[i].Namespace = f.Namespace()
		}
	}
	slices.SortFunc(sorted, func(a, b Application) int {
		if a.Wave != b.Wave {
			return a.Wave - b.Wave
		}
		return strings.Compare(a.Name, b.Name)
	})
	return sorted
}

// hasApplication says whether there are files of the application called name.
func (f *Folder) hasApplication(name string) bool { return len(f.applicationFiles(name)) > 0 }

// applicationFiles are the files of an application, with paths from its folder. That of the Bead's own name has the files
// directly in application/ as well.
func (f *Folder) applicationFiles(name string) Files {
	part := f.Files.Sub(string(PartApplication))
	files := part.Sub(name)
	if name == f.Metadata.Name {
		for file, content := range part {
			if !strings.Contains(file, "/") && file != helpersFile {
				files[file] = content
			}
		}
	}
	return files
}

// skeleton says whether a file of templates/ is what a template copies, and not an entity. Such a file is never
// rendered: it lies beside a template, in a folder below that of the entities.
func skeleton(name string) bool {
	return strings.Count(path.Dir(name), "/") > 0 || !isManifest(name)
}
