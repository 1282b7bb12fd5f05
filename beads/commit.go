package beads

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/back-stack/backstack/internal/gitops"
	"github.com/back-stack/backstack/internal/report"
)

// write makes the one commit of a change on top of from, or a pull request, and notes it in the change. hub.git is fetched
// if from is nil, or if somebody else has pushed since.
func (h *Hub) write(
	ctx context.Context, change *Change, title string, from *gitops.Checkout, to report.Reporter,
	edit func(map[string][]byte) error,
) error {
	step := report.Start(to, "commit", title)
	asked := gitops.Change{Message: title + "\n\nMade by backstack.", From: from, Edit: edit}
	if h.Proposing != nil {
		asked.Branch = "bead-" + change.Bead
	}
	result, err := h.Repository.Change(ctx, asked)
	if rejected := new(gitops.RejectedError); h.Proposing == nil && errors.As(err, &rejected) {
		err = fmt.Errorf("%w; --pull-request opens a review instead", err)
	}
	if err != nil {
		step.Fail(err)
		return err
	}
	if len(result.Changed) == 0 {
		step.Unchanged("nothing to commit")
		return nil
	}
	change.Revision = result.Revision
	if h.Proposing == nil {
		step.Done(fmt.Sprintf("%.8s: %s", result.Revision, title))
		return nil
	}
	if change.PullRequest, err = h.Proposing(ctx, asked.Branch, title, body(change)); err != nil {
		err = fmt.Errorf("opening a pull request for branch %s, which is pushed: %w", asked.Branch, err)
		step.Fail(err)
		return err
	}
	step.Done(change.PullRequest)
	return nil
}

// body is the text of a pull request.
func body(change *Change) string {
	text := "Made by backstack.\n"
	if change.Source != "" {
		text += fmt.Sprintf("\nSource: `%s`\nDigest: `%s`\n", change.Source, change.Digest)
	}
	for _, object := range change.Objects {
		text += "\n- " + object
	}
	return text + "\n"
}

// compare lists the files that differ, by path.
func compare(before, after map[string][]byte) []File {
	changed := []File{}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old, was := before[name]
		now, is := after[name]
		file := File{Path: name, Action: "change"}
		switch {
		case was && is && string(old) == string(now):
			continue
		case !was:
			file.Action = "add"
		case !is:
			file.Action = "remove"
		}
		file.Diff = diff(name, string(old), string(now))
		changed = append(changed, file)
	}
	return changed
}

func diff(name, before, after string) string {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: lines(before), B: lines(after), FromFile: "a/" + name, ToFile: "b/" + name, Context: 3,
	})
	if err != nil {
		return "" // writing to memory does not fail
	}
	return text
}

// lines splits a text into its lines, each with its end.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return slices.Collect(strings.Lines(text))
}
