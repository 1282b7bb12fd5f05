package stage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/report"
)

// inputs are everything that a stage is made of.
type inputs struct {
	root   string // the project's folder
	engine *engine.Engine
	node   *dockerImage
	hash   string // of all
}

func gather(ctx context.Context, o Options, to report.Reporter) (*inputs, error) {
	debian, err := inspectImage(ctx, debianImage)
	node, nodeErr := inspectImage(ctx, o.NodeImage)
	if err := errors.Join(err, nodeErr); err != nil {
		return nil, fmt.Errorf("%w: want the images on which the stage is built, debian with git, gnupg and tini", err)
	}
	in := &inputs{node: node}
	if in.root, err = projectRoot(ctx); err != nil {
		return nil, err
	}
	if in.engine, err = engine.Ensure(ctx, engine.Options{CacheDir: o.CacheDir}, to); err != nil {
		return nil, err
	}
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "engine %s\nnode %s\ndebian %s\n", in.engine.Manifest.Hash, node.ID, debian.ID)
	// The engine's hash covers the nested modules below engine.
	if err := hashSources(h, os.DirFS(filepath.Join(in.root, "test", "kind", "stage"))); err != nil {
		return nil, fmt.Errorf("looking at the stage's sources: %w", err)
	}
	in.hash = fmt.Sprintf("%x", h.Sum(nil)[:10])
	return in, nil
}

// hashSources adds every file that decides what is made: all but tests, words, and what only serves it.
func hashSources(h io.Writer, sources fs.FS) error {
	return fs.WalkDir(sources, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (name == "registry" || name == "make") {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() || strings.HasSuffix(name, "_test.go") || path.Ext(name) == ".md" {
			return err
		}
		data, err := fs.ReadFile(sources, name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %x\n", name, sha256.Sum256(data))
		return err
	})
}
