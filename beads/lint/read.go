package lint

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/back-stack/backstack/beads/artifact"
	"github.com/back-stack/backstack/beads/bead"
)

// Folder lints the Bead in a folder. Files that a Bead may not hold, for which artifact.ReadFS refuses all of it, are
// findings like others.
func Folder(ctx context.Context, folder fs.FS, options Options) ([]Finding, error) {
	r := reader{folder: folder, files: make(bead.Files)}
	if err := fs.WalkDir(folder, ".", r.visit); err != nil {
		return nil, fmt.Errorf("reading the Bead's folder: %w", err)
	}
	findings, err := Lint(ctx, r.files, options)
	return sorted(append(findings, r.findings...)), err
}

// reader reads a folder.
type reader struct {
	folder   fs.FS
	files    bead.Files
	findings []Finding
}

func (r *reader) visit(name string, entry fs.DirEntry, err error) error {
	hidden := name != "." && !strings.Contains(name, "/") && strings.HasPrefix(name, ".")
	switch {
	case err != nil:
		return err
	case hidden && entry.IsDir():
		return fs.SkipDir
	case hidden, entry.IsDir():
		return nil
	case !entry.Type().IsRegular():
		r.refuse(name, "is no regular file: a Bead holds files and folders, and no links")
		return nil
	case len(r.files) == artifact.MaxFiles:
		r.refuse(bead.FileName, "there are more than %d files: a Bead holds descriptions, not programs", artifact.MaxFiles)
		return fs.SkipAll
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if info.Size() > artifact.MaxFile {
		r.refuse(name, "has %d bytes: want at most %d", info.Size(), artifact.MaxFile)
		r.files[name] = nil // it is there, and not looked into
		return nil
	}
	r.files[name], err = fs.ReadFile(r.folder, name)
	return err
}

func (r *reader) refuse(name, format string, args ...any) {
	r.findings = append(r.findings, Finding{
		Rule: ruleFileRefused, Severity: Error, File: name, Message: fmt.Sprintf(format, args...),
	})
}
