package lint

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// templatePlace is where Helm says that a template is wrong: "template: demo/composites/a.yaml:3:14: " or
// "parse error at (demo/composites/a.yaml:3): ".
var templatePlace = regexp.MustCompile(`(?:template: |at \()[^/\s]+/([^:\s]+):(\d+)(?::(\d+))?(?:: |\): )`)

// valuesPlace is the same of the values of an application, which are in bead.yaml.
var valuesPlace = regexp.MustCompile(
	`(?:template: |at \()[^/\s]+/values of application ([^:\s]+):(\d+)(?::\d+)?(?:: |\): )`)

// actionPlace is what comes after it: `executing "demo/composites/a.yaml" at <.Values.x>: `.
var actionPlace = regexp.MustCompile(`^executing "[^"]*" at `)

// renderFaults reports files that do not render. What another rule has found in the line is not said again.
func (l *linter) renderFaults(faults map[string]error) {
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		l.renderFault(name, "", faults[name])
	}
}

// renderFault reports an error of a template; dir is what the error's file names begin from.
func (l *linter) renderFault(file, dir string, err error) {
	message, line, column := err.Error(), 0, 0
	if found := valuesPlace.FindStringSubmatchIndex(message); found != nil {
		file = bead.FileName
		line = l.valuesLine(message[found[2]:found[3]]) + number(message[found[4]:found[5]]) - 1
		message = actionPlace.ReplaceAllString(message[found[1]:], "")
	} else if found := templatePlace.FindAllStringSubmatchIndex(message, -1); len(found) > 0 {
		last := found[len(found)-1] // the innermost: an include says where it stands, and then what it found
		if named := path.Join(dir, message[last[2]:last[3]]); l.files[named] != nil {
			file = named
			line = number(message[last[4]:last[5]])
			if last[6] >= 0 {
				column = 1 + number(message[last[6]:last[7]]) // Go counts columns from 0
			}
			message = actionPlace.ReplaceAllString(message[last[1]:], "")
		}
	}
	if line > 0 && l.reported(file, line) {
		return
	}
	l.report(ruleRender, file, line, column, "does not render: %s", strings.Join(strings.Fields(message), " "))
}

// valuesLine is the line of bead.yaml in which an application's values begin.
func (l *linter) valuesLine(application string) int {
	for i, a := range l.folder.Spec.Applications {
		if a.Name != application {
			continue
		}
		line, _ := l.folder.Document.Position(strictyaml.Index("spec.applications", i) + ".values")
		if strings.Contains(a.Values, "\n") {
			line++ // a block begins in the line after its name
		}
		return line
	}
	return 1
}

// made returns the objects that the Bead's charts and kustomizations make, and reports those that cannot.
func (l *linter) made(ctx context.Context, v variant) []*document {
	var found []*document
	for _, application := range l.folder.Applications() {
		dir := path.Join(string(bead.PartApplication), application.Name)
		from := ""
		for _, name := range []string{"Chart.yaml", "kustomization.yaml"} {
			if l.files[path.Join(dir, name)] != nil {
				from = path.Join(dir, name)
			}
		}
		if from == "" || application.Chart != nil {
			continue
		}
		alone := *l.folder
		alone.Spec.Applications = []bead.Application{application}
		alone.Files = bead.Files{}
		for name, content := range l.files {
			if strings.HasPrefix(name, dir+"/") || name == path.Join(string(bead.PartApplication), "_helpers.tpl") {
				alone.Files[name] = content
			}
		}
		rendered, err := alone.Render(ctx, v.hub, v.values, nil)
		if err != nil {
			l.renderFault(from, dir, unnamed(err, application.Name))
			continue
		}
		found = append(found, objectsOf(rendered, application, from)...)
	}
	return found
}

// unnamed takes off an error what its place says.
func unnamed(err error, application string) error {
	_, rest, ok := strings.Cut(err.Error(), fmt.Sprintf("application %s: ", application))
	if !ok {
		return err
	}
	return fmt.Errorf("%s", rest)
}

func objectsOf(rendered *bead.Rendered, application bead.Application, file string) []*document {
	var found []*document
	add := func(manifests []bead.Manifest, spokes bool) {
		for _, manifest := range manifests {
			if manifest.File == bead.FileName {
				continue // the Bead's namespace, which Render adds
			}
			found = append(found, &document{
				file: file, object: manifest.Object.Object, part: bead.PartApplication, spokes: spokes, home: application.Namespace,
			})
		}
	}
	for _, group := range rendered.Hub {
		add(group.Manifests, false)
	}
	for _, group := range rendered.Spokes {
		add(group.Manifests, true)
	}
	return found
}
