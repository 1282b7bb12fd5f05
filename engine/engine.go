// Package engine provides the programs that the embedded provider runs: Kubernetes, Argo CD, Crossplane, Kyverno, Gitea
// and what they need. They are pinned by the nested Go modules in this folder and built from their upstream sources, or
// unpacked from an archive of an earlier build, and kept in a cache.
//
// An engine is a folder:
//
//	bin/            the programs
//	share/          the files that they read, and the resource definitions that they need in the cluster
//	manifest.json   what is in the folder, with versions, sizes and checksums
//
// The cache holds one such folder per hash: of the pinned sources, how they are built, for what system, and by which
// version of Go. A folder has that name only once it is complete.
package engine

import (
	"context"
	"path/filepath"

	"github.com/back-stack/backstack/internal/report"
)

// Options say where an engine is kept and where it comes from.
type Options struct {
	// CacheDir is the folder for what can be made again, for example $XDG_CACHE_HOME/backstack. The engines are in its
	// folder "engine".
	CacheDir string
	// Archive is the path of an archive that Pack made. If it is empty, the engine is built from source.
	Archive string
}

// Engine is a set of programs, ready to run.
type Engine struct {
	Dir      string // absolute
	Manifest Manifest
}

// Program returns the path of the program called name, which is one of Programs.
func (e *Engine) Program(name string) string { return filepath.Join(e.Dir, binDir, name) }

// Share returns a path below the folder of files that the programs need, for example Share("argocd", "crds").
func (e *Engine) Share(elem ...string) string {
	return filepath.Join(append([]string{e.Dir, shareDir}, elem...)...)
}

// Ensure returns the engine of this version of backstack: the one in the cache if it is complete, otherwise one
// unpacked from the archive or built, which takes minutes. Of several callers at once, in this process or others, one
// does the work and the others wait for it. The work is told to the reporter as the step "engine".
//
// An *UnmetError says that the work cannot begin, and everything that stands in its way.
func Ensure(ctx context.Context, o Options, to report.Reporter) (*Engine, error) {
	c, err := newCache(o.CacheDir, hubRecipe())
	if err != nil {
		return nil, err
	}
	return c.ensure(ctx, o.Archive, to)
}

// Check returns an *UnmetError that names everything for which Ensure could not begin its work, or nil. It changes
// nothing, and does not try the network.
func Check(ctx context.Context, o Options) error {
	c, err := newCache(o.CacheDir, hubRecipe())
	if err != nil {
		return err
	}
	return c.check(ctx, o.Archive)
}
