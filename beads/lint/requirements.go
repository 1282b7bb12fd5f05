package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkRequirements judges spec.requires by what there is, and takes note of what the required Beads define.
func (l *linter) checkRequirements() {
	requires := l.folder.Spec.Requires
	have := versions(l.options)
	l.checkRange("spec.requires.backstack", requires.Backstack, "backstack", have["backstack"])
	for _, name := range slices.Sorted(maps.Keys(requires.Components)) {
		l.checkRange(strictyaml.Key("spec.requires.components", name), requires.Components[name], name, have[name])
	}
	if l.options.Beads == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(requires.Beads)) {
		path := strictyaml.Key("spec.requires.beads", name)
		required, ok := l.options.Beads(name)
		if !ok {
			continue // it may come from elsewhere
		}
		l.checkRange(path, requires.Beads[name], "Bead "+name, required.Spec.Version)
		if way := l.wayBack(required, []string{l.folder.Metadata.Name}); way != nil {
			l.beadFault(ruleCycle, path, "the Beads require each other: %s", strings.Join(way, " -> "))
			continue
		}
		l.learn(required)
	}
}

// checkRange reports a range that the version that there is does not satisfy. What cannot be read is reported
// elsewhere, and a build that was not released satisfies every range, as it does when the Bead is added.
func (l *linter) checkRange(path, text, what, version string) {
	constraint, err := semver.NewConstraint(text)
	if text == "" || version == "" || err != nil {
		return
	}
	have, err := semver.NewVersion(version)
	unreleased := err == nil && have.Major()+have.Minor()+have.Patch() == 0
	if err != nil || unreleased || constraint.Check(have) {
		return
	}
	l.beadFault(ruleRequirement, path, "%s is not satisfied: %s is %s here", strictyaml.Quote(text), what, version)
}

// wayBack returns the way on which a Bead requires the one that is linted, nil if there is none.
func (l *linter) wayBack(from *bead.Folder, way []string) []string {
	way = append(slices.Clone(way), from.Metadata.Name)
	for _, name := range slices.Sorted(maps.Keys(from.Spec.Requires.Beads)) {
		if name == way[0] {
			return append(way, name)
		}
		if slices.Contains(way, name) {
			continue // a circle without the Bead at hand: for the linting of another
		}
		if next, ok := l.options.Beads(name); ok {
			if found := l.wayBack(next, way); found != nil {
				return found
			}
		}
	}
	return nil
}

// learn takes note of the kinds that another Bead defines.
func (l *linter) learn(other *bead.Folder) {
	their := &linter{files: other.Files, folder: other, severities: l.severities}
	texts, _ := other.Texts(bead.Hub{Name: "hub", Pods: true}, their.variants()[0].values)
	for name, rendered := range texts {
		for _, content := range bead.Documents(rendered) {
			d := their.document(name, newText(rendered, rendered), content)
			if d.object == nil || !isXRD(d) {
				continue
			}
			if crd, err := kinds.FromXRD(d.object); err == nil {
				l.library.Add(kinds.FromCRD(crd))
			}
		}
	}
}
