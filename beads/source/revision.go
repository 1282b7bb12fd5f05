package source

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// found is a revision of a repository.
type found struct {
	name plumbing.ReferenceName // of a branch or tag; empty for a commit that none is at
	hash plumbing.Hash          // of a commit or a tag
}

// find returns what a person calls revision: a commit by all its digits, a branch or a tag, or the default branch for
// nothing. Branches and tags are those of refs.
func find(refs []*plumbing.Reference, revision string) (found, error) {
	byName := make(map[plumbing.ReferenceName]*plumbing.Reference)
	for _, ref := range refs {
		byName[ref.Name()] = ref
	}
	if revision == "" {
		return findDefault(byName)
	}
	if plumbing.IsHash(revision) {
		return findCommit(refs, plumbing.NewHash(revision)), nil
	}
	var matches []*plumbing.Reference
	for _, name := range []string{revision, "refs/heads/" + revision, "refs/tags/" + revision} {
		ref, ok := byName[plumbing.ReferenceName(name)]
		if ok && (ref.Name().IsBranch() || ref.Name().IsTag()) {
			matches = append(matches, ref)
		}
	}
	switch len(matches) {
	case 0:
		return found{}, unknown(refs, revision)
	case 1:
		return found{matches[0].Name(), matches[0].Hash()}, nil
	}
	return found{}, fmt.Errorf("%s is a branch and a tag: want %s or %s", revision, matches[0].Name(), matches[1].Name())
}

func findDefault(refs map[plumbing.ReferenceName]*plumbing.Reference) (found, error) {
	head, ok := refs[plumbing.HEAD]
	if ok && head.Type() == plumbing.SymbolicReference {
		head, ok = refs[head.Target()]
	}
	if !ok {
		return found{}, errors.New("the repository has no default branch, or nothing in it: want @ and a revision")
	}
	return found{head.Name(), head.Hash()}, nil
}

// findCommit looks for a name of the commit, because every server gives out what has a name.
func findCommit(refs []*plumbing.Reference, hash plumbing.Hash) found {
	for _, ref := range refs {
		if ref.Hash() == hash && (ref.Name().IsBranch() || ref.Name().IsTag()) {
			return found{ref.Name(), hash}
		}
	}
	return found{hash: hash}
}

// unknown says what might have been meant.
func unknown(refs []*plumbing.Reference, revision string) error {
	if regexp.MustCompile(`^[0-9a-f]{4,39}$`).MatchString(revision) {
		return fmt.Errorf("there is no branch or tag %s: of a commit, want all 40 digits", revision)
	}
	var names []string
	for _, ref := range refs {
		if ref.Name().IsBranch() || ref.Name().IsTag() {
			names = append(names, ref.Name().Short())
		}
	}
	if nearest, ok := strictyaml.Nearest(revision, names); ok {
		return fmt.Errorf("there is no branch or tag %s: did you mean %s?", revision, nearest)
	}
	return fmt.Errorf("there is no branch or tag %s: want one that was pushed", revision)
}

// localPath is the path of a repository on this machine, and empty for others.
func localPath(repository string) string {
	parsed, err := url.Parse(repository)
	if err != nil || !strings.EqualFold(parsed.Scheme, "file") {
		return ""
	}
	return parsed.Path
}
