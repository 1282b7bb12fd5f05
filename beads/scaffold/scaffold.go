// Package scaffold makes new Beads: folders to start from, with a small example of each part, that can be linted, tested
// and added as they are.
package scaffold

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// Request is a Bead that someone wants to start.
type Request struct {
	Name  string   // the Bead's, a DNS label
	Parts []string // the names of its parts; none for all
	Dir   string   // the folder to make; Name in the current folder if it is empty
}

// Parts are the names of the parts that a Bead can be started with.
func Parts() []string {
	return []string{
		string(bead.PartApplication), string(bead.PartTemplates), string(bead.PartComposites), string(bead.PartPolicies),
	}
}

// Create makes the folder of a new Bead, whole or not at all, and returns its absolute path and its files. The error is,
// found with errors.As, strictyaml.Faults if the request is wrong: nothing was touched then.
func Create(r Request) (dir string, files bead.Files, err error) {
	if err := r.check(); err != nil {
		return "", nil, err
	}
	files, err = Files(r.Name, r.parts())
	if err != nil {
		return "", nil, err
	}
	dir, err = filepath.Abs(r.folder())
	if err != nil {
		return "", nil, fmt.Errorf("looking for folder %s: %w", r.folder(), err)
	}
	return dir, files, write(dir, files)
}

// folder is the folder to make.
func (r Request) folder() string {
	if r.Dir == "" {
		return r.Name
	}
	return r.Dir
}

// parts are the parts that were asked for.
func (r Request) parts() []bead.Part {
	var parts []bead.Part
	for _, part := range bead.Parts() {
		if len(r.Parts) == 0 || slices.Contains(r.Parts, string(part)) {
			parts = append(parts, part)
		}
	}
	return parts
}

// check returns everything that is wrong with the request.
func (r Request) check() error {
	var faults strictyaml.Faults
	fault := func(source, format string, args ...any) {
		faults = append(faults, strictyaml.Fault{Source: source, Message: fmt.Sprintf(format, args...)})
	}
	named := true
	switch {
	case len(validation.IsDNS1123Label(r.Name)) > 0:
		named = false
		fault("NAME", `%s is not a DNS label: want lower-case letters, digits and "-", with no "-" at either end`,
			strictyaml.Quote(r.Name))
	case len(r.Name) > bead.MaxNameLength:
		named = false
		fault("NAME", "%s has %d characters: want at most %d", strictyaml.Quote(r.Name), len(r.Name), bead.MaxNameLength)
	}
	for _, part := range r.Parts {
		if !slices.Contains(Parts(), part) {
			fault("--with", "%s is no part of a Bead: %s", strictyaml.Quote(part), strictyaml.OneOf(part, Parts()))
		}
	}
	source := "--dir"
	if r.Dir == "" {
		source = "NAME"
	}
	if named || r.Dir != "" {
		if message := obstacle(r.folder()); message != "" {
			fault(source, "%s", message)
		}
	}
	return faults.Err()
}

// obstacle says what is in the way of making a folder; empty if nothing is.
func obstacle(dir string) string {
	info, err := os.Lstat(dir)
	switch {
	case os.IsNotExist(err):
		return ""
	case err != nil:
		return fmt.Sprintf("looking at %s: %v", dir, err)
	case !info.IsDir():
		return dir + " is there already and is no folder: want a folder that is empty or not there yet"
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Sprintf("looking into %s: %v", dir, err)
	}
	if len(entries) > 0 {
		return fmt.Sprintf("%s is not empty: want a folder that is empty or not there yet", dir)
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(info, here) {
		return dir + " is the current folder: want one below, or run the command in the folder above"
	}
	return ""
}
