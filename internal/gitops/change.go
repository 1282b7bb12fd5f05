package gitops

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/util"
)

// Change is one commit that someone asked for.
type Change struct {
	Message string

	// From is what to start from, and is used up; the branch is fetched if it is nil.
	From *Checkout

	// Branch is where the commit is pushed to; the branch that a hub follows if it is empty.
	Branch string

	// Edit changes the files of the repository, slash-separated paths and contents, in place. It is called again with what
	// is there then if someone else has pushed meanwhile.
	Edit func(files map[string][]byte) error
}

// Change makes one commit, or none if nothing differs. The error of Edit is returned as it is.
func (r Repository) Change(ctx context.Context, change Change) (Result, error) {
	to := change.Branch
	if to == "" {
		to = branch
	}
	return r.commit(ctx, change.From, to, change.Message, func(folder billy.Filesystem) (*plan, error) {
		before, err := readAll(folder)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", r.URL, err)
		}
		after := maps.Clone(before)
		if err := change.Edit(after); err != nil {
			return nil, err
		}
		return difference(before, after), nil
	})
}

// difference is the plan that makes after of before.
func difference(before, after map[string][]byte) *plan {
	p := &plan{write: map[string][]byte{}}
	for name, content := range after {
		if old, there := before[name]; !there || !bytes.Equal(old, content) {
			p.write[name] = content
			p.changed = append(p.changed, name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			p.remove = append(p.remove, name)
			p.changed = append(p.changed, name)
		}
	}
	slices.Sort(p.changed)
	return p
}

func readAll(folder billy.Filesystem) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := util.Walk(folder, "/", func(name string, info fs.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		content, err := util.ReadFile(folder, name)
		if err != nil {
			return err
		}
		files[name[1:]] = content
		return nil
	})
	return files, err
}
