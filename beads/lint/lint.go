// Package lint finds what is wrong with a Bead before it reaches a hub: in its bead.yaml, its files, its objects, and
// in what they refer to each other by. It reads no cluster and no network. Rules lists what it looks for.
package lint

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/charts"
)

// Options is what is known beside the Bead itself. The zero value is for a Bead by itself.
type Options struct {
	// Schemas is a folder of custom resource definitions, as YAML, against which composed objects are checked; nil for
	// none.
	Schemas fs.FS

	// Beads finds the Beads that requirements can be resolved to, by name; nil if none is known.
	Beads func(name string) (*bead.Folder, bool)

	// Tests reads the Bead's tests, which have a package of their own; they are not looked at if it is nil. Its error is
	// nil or, found with errors.As, strictyaml.Faults.
	Tests func(bead.Files) error

	// Backstack is the version that ranges of backstack are checked against; not at all if it is empty.
	Backstack string
}

// Lint returns everything that is wrong with a Bead, in the order of files and lines. The error says that it could not
// be judged at all.
func Lint(ctx context.Context, files bead.Files, options Options) ([]Finding, error) {
	l := &linter{files: files, options: options, severities: severities(), library: kinds.NewLibrary()}
	if options.Schemas != nil {
		folder, err := kinds.NewFolder(options.Schemas)
		if err != nil {
			return nil, fmt.Errorf("reading the schemas: %w", err)
		}
		l.library.AddFolder(folder)
	}
	l.checkBead()
	l.checkFiles()
	l.checkTemplates()
	l.checkRequirements()
	l.checkTests()
	for _, world := range l.worlds(ctx) {
		if err := l.checkWorld(ctx, world); err != nil {
			return nil, err
		}
	}
	return sorted(l.findings), ctx.Err()
}

// linter judges one Bead.
type linter struct {
	files      bead.Files
	folder     *bead.Folder // what could be read of bead.yaml
	options    Options
	library    *kinds.Library
	severities map[string]Severity

	mutex    sync.Mutex
	findings []Finding
}

// report adds a finding.
func (l *linter) report(rule, file string, line, column int, format string, args ...any) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.findings = append(l.findings, Finding{
		Rule: rule, Severity: l.severities[rule], File: file, Line: line, Column: column, Message: fmt.Sprintf(format,
			args...),
	})
}

// reported says whether a file's line has a finding already.
func (l *linter) reported(file string, line int) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, finding := range l.findings {
		if finding.File == file && finding.Line == line {
			return true
		}
	}
	return false
}

// fault adds a finding of the field at path of a document.
func (l *linter) fault(rule string, d *document, path, format string, args ...any) {
	line, column := d.place(path)
	l.report(rule, d.file, line, column, "%s%s", d.called(path), fmt.Sprintf(format, args...))
}

// checkWorld judges everything that the Bead's files amount to. Documents are judged beside each other, for most of the
// time goes into reading large schemas and compiling expressions.
func (l *linter) checkWorld(ctx context.Context, w *world) error {
	l.checkUnique(w)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, d := range w.documents {
		group.Go(func() error { return l.checkDocument(ctx, w, d) })
	}
	return group.Wait()
}

// checkDocument judges one document with what is beside it.
func (l *linter) checkDocument(ctx context.Context, w *world, d *document) error {
	if d.seen { // by the world before, in which it was the same
		return ctx.Err()
	}
	switch {
	case !l.checkObject(d):
		return nil
	case d.part == bead.PartTemplates:
		l.checkEntity(w, d)
		return nil
	case l.checkPlace(d):
		return nil
	}
	if err := l.checkSchema(ctx, d); err != nil {
		return err
	}
	switch kind := d.kind(); {
	case kind.Group == "apiextensions.crossplane.io" && kind.Kind == "CompositeResourceDefinition":
		l.checkXRD(ctx, d)
	case kind.Group == "apiextensions.crossplane.io" && kind.Kind == "Composition":
		return l.checkComposition(ctx, w, d)
	case kind.Group == policyGroup:
		return l.checkPolicy(w, d)
	}
	return nil
}

// versions are those of what a hub is made of, by the names that requirements have for them.
func versions(options Options) map[string]string {
	found := map[string]string{"backstack": options.Backstack}
	for _, version := range charts.Versions() {
		found[version.Name] = version.Version
	}
	return found
}
