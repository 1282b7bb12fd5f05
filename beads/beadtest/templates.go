package beadtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/beadtest/scaffolder"
)

// templates runs software templates and says what is not as expected of their files.
func templates(ctx context.Context, catalog bead.Files, runs []TemplateRun) []string {
	var failures []string
	for _, run := range runs {
		template, err := scaffolder.Find(catalog, run.Template)
		if err != nil {
			failures = append(failures, err.Error())
			continue
		}
		files, err := template.Run(ctx, run.Input)
		if err != nil {
			failures = append(failures, err.Error())
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(run.Files)) {
			if failure := run.Files[name].judge(files, name); failure != "" {
				failures = append(failures, fmt.Sprintf("template %s: %s", run.Template, failure))
			}
		}
	}
	return failures
}

// judge says what is not as expected of the file called name; "" if it is.
func (want FileText) judge(files bead.Files, name string) string {
	content, there := files[name]
	if !there {
		return fmt.Sprintf("there is no file %s: it makes %s", name, strings.Join(slices.Sorted(maps.Keys(files)), ", "))
	}
	text := string(content)
	if want.Equals != nil && text != *want.Equals {
		return fmt.Sprintf("%s is not what is wanted:\n%s", name, indent(diff(*want.Equals, text)))
	}
	var missing []string
	for _, part := range want.Contains {
		if !strings.Contains(text, part) {
			missing = append(missing, fmt.Sprintf("%s does not contain %q", name, part))
		}
	}
	if missing == nil {
		return ""
	}
	return strings.Join(missing, "\n") + "; it is:\n" + indent(text)
}

// diff shows how a text differs from the one that is wanted.
func diff(want, got string) string {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(want), B: difflib.SplitLines(got), FromFile: "want", ToFile: "got", Context: 2,
	})
	if err != nil {
		return "got " + got // writing to memory does not fail
	}
	return text
}

// indent puts blanks before every line.
func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
