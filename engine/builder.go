package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/back-stack/backstack/internal/report"
	"golang.org/x/sync/errgroup"
)

// builder makes an engine from source. It is an origin.
type builder struct {
	recipe recipe
	inputs string
	place  string     // the cache's folder
	tools  *toolchain // nil if missing is not
	lacks  error      // why there is no toolchain
}

func newBuilder(ctx context.Context, c *cache) (*builder, error) {
	need, err := c.recipe.goVersion()
	if err != nil {
		return nil, err
	}
	b := &builder{recipe: c.recipe, inputs: c.inputs, place: c.dir}
	b.tools, b.lacks = findToolchain(ctx, need)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return b, nil
}

func (b *builder) hash() string {
	if b.tools == nil {
		return ""
	}
	return hashWith(b.inputs, b.tools.version)
}

// check finds everything that would stop a build, short of trying it.
func (b *builder) check(ctx context.Context) error {
	faults := []error{b.lacks, checkGit(), checkWritable(b.place)}
	if b.tools != nil {
		for _, m := range b.recipe.modules {
			if m.cgo {
				faults = append(faults, b.tools.checkCompiler(ctx))
				break
			}
		}
		downloads, err := b.recipe.downloadSpace(b.tools.env.ModCache)
		faults = append(faults, err)
		faults = append(faults, checkSpace([]space{
			{b.place, engineSpace}, {b.tools.env.Cache, goCacheSpace}, {b.tools.env.ModCache, downloads},
		})...)
	}
	return unmet(faults...)
}

// make builds every module and fills dir with what becomes of them.
func (b *builder) make(ctx context.Context, dir, scratch string, step *report.Step) (Manifest, error) {
	progress := &progress{step: step}
	files, err := b.recipe.files()
	if err != nil {
		return Manifest{}, err
	}
	sources := filepath.Join(scratch, "src")
	if err := os.CopyFS(sources, files); err != nil {
		return Manifest{}, fmt.Errorf("unpacking the engine's sources: %w", err)
	}

	var workspaces []*workspace
	for _, m := range b.recipe.modules {
		w, err := b.newWorkspace(m, filepath.Join(sources, m.dir), scratch, progress)
		if err != nil {
			return Manifest{}, err
		}
		workspaces = append(workspaces, w)
	}

	// Each downloads and then compiles: while one waits for the network, another has the processors.
	jobs, atOnce := parallelism(runtime.GOMAXPROCS(0), availableMemory(), len(workspaces))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, w := range workspaces {
		group.Go(func() error {
			if err := w.prepare(groupCtx); err != nil {
				return err
			}
			return w.compile(groupCtx, jobs, dir)
		})
	}
	if err := group.Wait(); err != nil {
		return Manifest{}, err
	}

	step.Wait("collecting the programs and what they need")
	return b.collect(ctx, dir, workspaces)
}

// collect adds the files that the programs need to an engine whose programs are there, and lists everything in it.
func (b *builder) collect(ctx context.Context, dir string, workspaces []*workspace) (Manifest, error) {
	programs, err := b.recipe.programs()
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{
		Hash: b.hash(), Inputs: b.inputs, Go: b.tools.version, OS: runtime.GOOS, Arch: runtime.GOARCH,
		Packages: []Package{}, Files: []File{},
	}
	listed := map[string]bool{}
	for _, p := range programs {
		file := File{Path: binDir + "/" + p.Name}
		m.Programs = append(m.Programs, BuiltProgram{Program: p, File: file})
		listed[file.Path] = true
	}
	for _, w := range workspaces {
		if err := w.copyFiles(dir); err != nil {
			return Manifest{}, err
		}
		packages, err := w.writePackages(dir)
		if err != nil {
			return Manifest{}, err
		}
		for _, p := range packages {
			m.Packages = append(m.Packages, p)
			listed[p.Path] = true
		}
	}
	others, err := filesBelow(dir)
	if err != nil {
		return Manifest{}, err
	}
	for _, path := range others {
		if !listed[path] {
			m.Files = append(m.Files, File{Path: path})
		}
	}
	return m, m.measure(ctx, dir)
}
