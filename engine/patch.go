package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// patchedDir is where the patched copies of modules are, below the nested module. The path is relative in its go.mod,
// so that the programs' build information is the same wherever they are built.
const patchedDir = "patched"

// errOutside is what a patch is for that changes a file of no module that is pinned.
var errOutside = errors.New("no module that is pinned has this path")

// patch is a change to the sources of modules.
type patch struct {
	path    string   // of the patch file
	modules []string // the paths of the modules that it changes
}

// name is the patch file's.
func (p patch) name() string { return filepath.Base(p.path) }

// patches finds the nested module's patches and what they change.
func (w *workspace) patches(ctx context.Context) ([]patch, error) {
	paths, err := filepath.Glob(filepath.Join(w.dir, "patches", "*.patch"))
	if err != nil {
		return nil, fmt.Errorf("looking for patches: %w", err)
	}
	var patches []patch
	for _, path := range paths {
		p := patch{path: path}
		out, err := w.git(ctx, w.dir, "apply", "--numstat", "-z", path)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", p.name(), err)
		}
		for record := range strings.SplitSeq(strings.Trim(string(out), "\x00"), "\x00") {
			fields := strings.SplitN(record, "\t", 3) // lines added, lines removed, the file's path
			owner := w.pins.owner(fields[len(fields)-1])
			if owner == "" {
				return nil, fmt.Errorf("reading %s: %q: %w", p.name(), fields[len(fields)-1], errOutside)
			}
			if !slices.Contains(p.modules, owner) {
				p.modules = append(p.modules, owner)
			}
		}
		patches = append(patches, p)
	}
	return patches, nil
}

// applyPatches makes patched copies of the modules that patches change, and has the nested module use them. An overlay
// would be less work, but Go allows none over its module cache.
func (w *workspace) applyPatches(ctx context.Context, patches []patch) error {
	if len(patches) == 0 {
		return nil
	}
	gomod := filepath.Join(w.dir, "go.mod")
	data, err := os.ReadFile(gomod)
	if err != nil {
		return fmt.Errorf("patching modules: %w", err)
	}
	file, err := modfile.Parse(gomod, data, nil)
	if err != nil {
		return fmt.Errorf("patching modules: %w", err)
	}
	copied := map[string]bool{}
	root := filepath.Join(w.dir, patchedDir)
	for _, p := range patches {
		for _, m := range p.modules {
			if copied[m] {
				continue
			}
			copied[m] = true
			if err := os.CopyFS(filepath.Join(root, filepath.FromSlash(m)), os.DirFS(w.folders[m])); err != nil {
				return fmt.Errorf("copying %s to patch it: %w", m, err)
			}
			if err := file.AddReplace(m, "", "./"+patchedDir+"/"+m, ""); err != nil {
				return fmt.Errorf("replacing %s: %w", m, err)
			}
		}
		if _, err := w.git(ctx, root, "apply", p.path); err != nil {
			return fmt.Errorf("applying %s, which must be made anew when what it changes has changed: %w", p.name(), err)
		}
	}
	file.Cleanup()
	if err := os.WriteFile(gomod, modfile.Format(file.Syntax), 0o644); err != nil {
		return fmt.Errorf("replacing the patched modules: %w", err)
	}
	return nil
}

// git runs git in a folder, as if that were in no repository: in one, git apply would leave out files that it takes to
// be outside of the current folder, and obey the repository's configuration.
func (w *workspace) git(ctx context.Context, dir string, args ...string) ([]byte, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	return runTool(ctx, toolRun{
		dir: real, path: "git", args: args,
		unset: []string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"},
		env: []string{
			"GIT_CEILING_DIRECTORIES=" + filepath.Dir(real),
			"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		},
	})
}
