package gitops

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// remote makes an empty bare repository and returns it.
func remote(t *testing.T) Repository {
	t.Helper()
	dir := t.TempDir()
	if _, err := git.PlainInitWithOptions(dir, &git.PlainInitOptions{
		InitOptions: git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName(branch)}, Bare: true,
	}); err != nil {
		t.Fatal(err)
	}
	return Repository{URL: "file://" + dir}
}

// set is an edit that gives one file a content.
func set(name, content string) func(map[string][]byte) error {
	return func(files map[string][]byte) error {
		files[name] = []byte(content)
		return nil
	}
}

func change(t *testing.T, r Repository, message string, edit func(map[string][]byte) error) Result {
	t.Helper()
	result, err := r.Change(context.Background(), Change{Message: message, Edit: edit})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// checkout returns the files of a repository, and the commit that they are of.
func checkout(t *testing.T, r Repository) (files map[string][]byte, revision string) {
	t.Helper()
	c, err := r.Checkout(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c.Files, c.Revision
}

func TestAChangeAddsChangesAndRemovesInOneCommit(t *testing.T) {
	r := remote(t)
	first := change(t, r, "first", func(files map[string][]byte) error {
		maps.Copy(files, map[string][]byte{"a/b": []byte("1"), "c": []byte("2"), "d": {}})
		return nil
	})
	second := change(t, r, "second", func(files map[string][]byte) error {
		files["a/b"] = []byte("changed")
		delete(files, "c")
		files["e"] = []byte("new")
		return nil
	})
	if want := []string{"a/b", "c", "e"}; !slices.Equal(second.Changed, want) {
		t.Errorf("changed %v: want %v", second.Changed, want)
	}
	files, revision := checkout(t, r)
	if revision != second.Revision || revision == first.Revision {
		t.Errorf("the branch is at %s: want %s", revision, second.Revision)
	}
	if want := []string{"a/b", "d", "e"}; !slices.Equal(slices.Sorted(maps.Keys(files)), want) || string(files["a/b"]) != "changed" {
		t.Errorf("the files are %q: want %v", files, want)
	}
}

func TestTheTipIsTheNewestCommit(t *testing.T) {
	r := remote(t)
	if tip, err := r.Tip(t.Context()); err != nil || tip != "" {
		t.Errorf("an empty repository is at %q, %v: want nothing", tip, err)
	}
	change(t, r, "first", set("a", "1"))
	newest := change(t, r, "second", set("a", "2"))
	if tip, err := r.Tip(t.Context()); err != nil || tip != newest.Revision {
		t.Errorf("the repository is at %q, %v: want %s", tip, err, newest.Revision)
	}
}

func TestAChangeThatChangesNothingIsNoCommit(t *testing.T) {
	r := remote(t)
	first := change(t, r, "first", set("a", "1"))
	second := change(t, r, "second", set("a", "1"))
	if second.Revision != first.Revision || len(second.Changed) != 0 {
		t.Errorf("the result is %+v: want the commit %s, and nothing changed", second, first.Revision)
	}
}

func TestWhatSomeoneElsePushesMeanwhileStays(t *testing.T) {
	r := remote(t)
	change(t, r, "first", set("a", "1"))
	tries := 0
	result := change(t, r, "mine", func(files map[string][]byte) error {
		if tries++; tries < 3 {
			change(t, r, "theirs", set("b", string(rune('0'+tries))))
		}
		files["c"] = []byte("mine")
		return nil
	})
	files, revision := checkout(t, r)
	if tries != 3 || revision != result.Revision {
		t.Errorf("%d tries, the branch is at %s: want 3 tries and %s", tries, revision, result.Revision)
	}
	if string(files["b"]) != "2" || string(files["c"]) != "mine" {
		t.Errorf("the files are %q: want both changes", files)
	}
}

func TestAChangeOfACheckoutTakesInWhatWasPushedSince(t *testing.T) {
	for _, overtaken := range []bool{false, true} {
		r := remote(t)
		change(t, r, "first", set("a", "1"))
		from, err := r.Checkout(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		want, tries := []string{"a", "c"}, 1
		if overtaken {
			change(t, r, "theirs", set("b", "2"))
			want, tries = []string{"a", "b", "c"}, 2
		}
		edits := 0
		result, err := r.Change(context.Background(), Change{Message: "mine", From: from, Edit: func(files map[string][]byte) error {
			edits++
			return set("c", "3")(files)
		}})
		if err != nil {
			t.Fatal(err)
		}
		files, revision := checkout(t, r)
		if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) || revision != result.Revision || edits != tries {
			t.Errorf("overtaken %t: %v at %s after %d edits: want %v at %s after %d",
				overtaken, got, revision, edits, want, result.Revision, tries)
		}
	}
}

func TestABranchThatTakesNoCommitIsNamedWithWhatTheServerSays(t *testing.T) {
	r := remote(t)
	hook := filepath.Join(strings.TrimPrefix(r.URL, "file://"), "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho 'main is protected:'\necho 'open a review'\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := r.Change(context.Background(), Change{Message: "first", Edit: set("a", "1")})
	rejected := new(RejectedError)
	if !errors.As(err, &rejected) || rejected.Branch != branch || rejected.URL != r.URL ||
		!strings.Contains(rejected.Said, "main is protected: open a review") {
		t.Errorf("the error is %v: want one that names %s, %s and what the hook says", err, r.URL, branch)
	}
}

func TestAnEditThatFailsPushesNothing(t *testing.T) {
	r := remote(t)
	first := change(t, r, "first", set("a", "1"))
	refused := errors.New("refused")
	_, err := r.Change(context.Background(), Change{Message: "no", Edit: func(files map[string][]byte) error {
		delete(files, "a")
		return refused
	}})
	if !errors.Is(err, refused) {
		t.Errorf("the error is %v: want that of the edit", err)
	}
	if _, revision := checkout(t, r); revision != first.Revision {
		t.Errorf("the branch is at %s: want %s", revision, first.Revision)
	}
}

func TestAProposalLeavesTheBranchOfTheHubAlone(t *testing.T) {
	r := remote(t)
	first := change(t, r, "first", set("a", "1"))
	for _, content := range []string{"2", "3"} { // a newer proposal takes the place of an older one
		if _, err := r.Change(context.Background(), Change{Message: "propose", Branch: "bead-a", Edit: set("a", content)}); err != nil {
			t.Fatal(err)
		}
	}
	files, revision := checkout(t, r)
	if revision != first.Revision || string(files["a"]) != "1" {
		t.Errorf("the branch is at %s with %q: want it as it was", revision, files)
	}
}
