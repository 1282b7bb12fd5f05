package lint

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// checkFiles judges what the Bead's folder holds, whatever is in the files.
func (l *linter) checkFiles() {
	size := 0
	for name, content := range l.files.All() {
		size += len(content)
		if len(content) > artifact.MaxFile {
			l.report(ruleFileRefused, name, 0, 0, "has %d bytes: want at most %d", len(content), artifact.MaxFile)
			continue
		}
		if why := unread(name); why != "" {
			l.report(ruleFileUnknown, name, 0, 0, "%s", why)
		}
		if line := notText(content); line > 0 {
			if mustBeText(name) {
				l.report(ruleFileText, name, line, 0, "is not UTF-8 text: save it as UTF-8")
			}
			continue
		}
		l.checkSecrets(name, string(content))
	}
	if size > artifact.MaxTotal {
		l.report(ruleFileRefused, bead.FileName, 0, 0, "the files have %d bytes together: want at most %d", size,
			artifact.MaxTotal)
	}
}

// notText returns the line in which something is that is no UTF-8 text, 0 if there is none.
func notText(content []byte) int {
	line := 1
	for rest := content; len(rest) > 0; {
		letter, size := utf8.DecodeRune(rest)
		switch {
		case letter == utf8.RuneError && size == 1, letter == 0:
			return line
		case letter == '\n':
			line++
		}
		rest = rest[size:]
	}
	return 0
}

// mustBeText says whether a file is read as text. A skeleton and a chart can hold anything.
func mustBeText(name string) bool {
	part, rest, _ := strings.Cut(name, "/")
	switch {
	case rest == "", part == string(bead.PartComposites), part == string(bead.PartPolicies), part == bead.TestsFolder:
		return true
	case part == string(bead.PartTemplates) && strings.Count(rest, "/") > 1:
		return false
	}
	return isYAML(name)
}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

// unread says why nothing reads a file, if nothing does.
func unread(name string) string {
	folder, rest, nested := strings.Cut(name, "/")
	base := path.Base(name)
	if !nested {
		known := name == bead.FileName || path.Ext(name) == ".md" || strings.HasPrefix(name, "LICENSE") || name == "NOTICE"
		if known {
			return ""
		}
		return "nothing reads this file: want bead.yaml, the folders of parts, tests/ and texts such as README.md"
	}
	folders := []string{bead.TestsFolder}
	for _, part := range bead.Parts() {
		folders = append(folders, string(part))
	}
	slices.Sort(folders)
	switch {
	case !slices.Contains(folders, folder):
		return "nothing reads the folder " + folder + ": " + strictyaml.OneOf(folder, folders)
	case folder == string(bead.PartApplication), folder == string(bead.PartTemplates):
		return "" // charts, kustomizations and skeletons read files of any kind
	case isYAML(name), path.Ext(name) == ".md", rest == "_helpers.tpl":
		return ""
	case base == "_helpers.tpl":
		return "nothing reads this file: named templates are in " + folder + "/_helpers.tpl"
	}
	return "nothing reads this file: want .yaml in " + folder + "/"
}

// lineAt returns the line, counted from 1, in which a byte stands.
func lineAt(content []byte, offset int) int {
	return 1 + bytes.Count(content[:min(offset, len(content))], []byte("\n"))
}
