package engine

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// workspace is a nested module on its way to becoming programs.
type workspace struct {
	module   nestedModule
	dir      string // of the nested module, ours to change
	out      string // where programs are linked
	tools    *toolchain
	pins     pins
	flags    []string // of go build
	env      []string
	progress *progress
	folders  map[string]string // of the modules that files are taken from or that are patched, by their paths
}

func (b *builder) newWorkspace(m nestedModule, dir, scratch string, p *progress) (*workspace, error) {
	pins, err := b.recipe.pins(m)
	if err != nil {
		return nil, err
	}
	flags, err := b.recipe.buildFlags(m)
	if err != nil {
		return nil, err
	}
	w := &workspace{
		module: m, dir: dir, tools: b.tools, pins: pins, flags: flags, progress: p,
		out: filepath.Join(scratch, "out", m.dir),
	}
	temp := filepath.Join(scratch, "tmp", m.dir)
	for _, d := range []string{w.out, temp} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("preparing the build of %s: %w", m.dir, err)
		}
	}
	cgo := "0"
	if m.cgo {
		cgo = "1"
	}
	w.env = []string{
		// What someone has set for their own work must not change what is built.
		"GOFLAGS=", "GOWORK=off", "GO111MODULE=on", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH, "CGO_ENABLED=" + cgo,
		"CGO_CFLAGS=" + cFlags,
		// Linking takes more room than some temporary folders have.
		"GOTMPDIR=" + temp,
		// Compilers live for seconds: to collect their garbage late takes a sixth off the time of the whole build.
		"GOGC=400", "GOMEMLIMIT=" + strconv.Itoa(jobMemory),
	}
	return w, nil
}

// runGo runs the go command in the workspace.
func (w *workspace) runGo(ctx context.Context, args ...string) ([]byte, error) {
	out, err := runTool(ctx, toolRun{
		dir: w.dir, path: w.tools.path, args: args, env: w.env, progress: w.progress.line,
	})
	return out, explainDownload(err, w.tools.env.Proxy)
}

// prepare downloads everything, patches what is to be patched, and counts what is to be compiled.
func (w *workspace) prepare(ctx context.Context) error {
	patches, err := w.patches(ctx)
	if err != nil {
		return err
	}
	if err := w.download(ctx, patches); err != nil {
		return fmt.Errorf("downloading the modules of %s: %w", w.module.dir, err)
	}
	if err := w.applyPatches(ctx, patches); err != nil {
		return err
	}
	if err := w.count(ctx); err != nil {
		return fmt.Errorf("downloading the modules of %s: %w", w.module.dir, err)
	}
	return nil
}

// download fetches the modules whose files are needed outside of compiling, and finds their folders.
func (w *workspace) download(ctx context.Context, patches []patch) error {
	var paths []string
	for _, c := range w.module.copies {
		paths = append(paths, c.module)
	}
	for _, p := range w.module.packages {
		paths = append(paths, p.module)
	}
	for _, p := range patches {
		paths = append(paths, p.modules...)
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	w.folders = map[string]string{}
	if len(paths) == 0 {
		return nil
	}
	if _, err := w.runGo(ctx, append([]string{"mod", "download"}, paths...)...); err != nil {
		return err
	}
	out, err := w.runGo(ctx, append([]string{"list", "-mod=readonly", "-m", "-json=Path,Dir"}, paths...)...)
	if err != nil {
		return err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var m struct{ Path, Dir string }
		if err := decoder.Decode(&m); err != nil {
			return err
		}
		w.folders[m.Path] = m.Dir
	}
	return nil
}

// packages are the main packages to build, in the order of the targets.
func (w *workspace) packages() []string {
	var packages []string
	for _, t := range w.module.targets {
		packages = append(packages, t.pkg)
	}
	return packages
}

// count finds out how many packages the build cache lacks. On the way Go downloads the modules that are still missing.
func (w *workspace) count(ctx context.Context) error {
	args := append([]string{"list", "-deps", "-f", "{{.Stale}} {{.StaleReason}}"}, w.flags...)
	out, err := w.runGo(ctx, append(args, w.packages()...)...)
	if err != nil {
		return err
	}
	missing := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		// A program is always stale, for it is installed nowhere.
		if strings.HasPrefix(lines.Text(), "true ") && !strings.HasSuffix(lines.Text(), "available in build cache") {
			missing++
		}
	}
	w.progress.expect(missing)
	return nil
}

// compile builds the programs into the engine in dir, with so many compilers at once.
func (w *workspace) compile(ctx context.Context, jobs int, dir string) error {
	w.progress.begin()
	args := append([]string{"build", "-v", "-p", strconv.Itoa(jobs), "-o", w.out + string(filepath.Separator)}, w.flags...)
	if _, err := w.runGo(ctx, append(args, w.packages()...)...); err != nil {
		return fmt.Errorf("building %s: %w", w.module.dir, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, binDir), 0o755); err != nil {
		return fmt.Errorf("building %s: %w", w.module.dir, err)
	}
	for _, t := range w.module.targets {
		built := filepath.Join(w.out, filepath.Base(t.pkg))
		if err := os.Rename(built, filepath.Join(dir, binDir, t.name)); err != nil {
			return fmt.Errorf("building %s: %w", w.module.dir, err)
		}
	}
	return nil
}
