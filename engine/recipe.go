package engine

import (
	"archive/zip"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// format is part of every hash: raise it when the code makes something else of the same recipe.
const format = 1

// recipe says what an engine is made from and what becomes of it. It is data, so that a test can build a small one.
type recipe struct {
	sources string // a zip with the modules' folders at its top
	modules []nestedModule
}

// nestedModule is one nested Go module and what is built and taken from the modules that it pins. Files called
// patches/*.patch in its folder are applied to those modules' sources; their paths begin with a module's path.
type nestedModule struct {
	dir      string // its folder in the sources
	cgo      bool   // whether C code is compiled too
	tags     []string
	targets  []target
	copies   []fileCopy
	packages []functionPackage
}

// target is one program.
type target struct {
	name      string // its file's, in bin
	component string // the part of a hub that it belongs to
	module    string // the path of the module whose version it has
	pkg       string // what is built: a path as go build takes it, in the folder of the nested module
	stamps    []stamp
}

// stamp is a string variable that the linker sets to a form of the target's version.
type stamp struct {
	variable string
	form     func(version string) string
}

// The forms of a version such as v1.36.3.
func full(version string) string  { return version }
func bare(version string) string  { return strings.TrimPrefix(version, "v") }
func major(version string) string { return strings.TrimPrefix(semver.Major(version), "v") }
func minor(version string) string {
	return strings.TrimPrefix(semver.MajorMinor(version), semver.Major(version)+".")
}

// fileCopy puts files of a module into the engine.
type fileCopy struct {
	module string   // a module's path
	from   []string // patterns, as path.Match takes them; a folder that matches is copied with all below it
	to     string   // a folder of the engine
	asJSON bool     // whether YAML files become JSON files, NAME.yaml NAME.json
	trims  []trim   // of the custom resource definitions among those; each must find its definition
}

// functionPackage is the content of a Crossplane package, made of the package metadata and input definitions in a
// function's module.
type functionPackage struct {
	name   string
	module string
}

// Program is one program of an engine.
type Program struct {
	Name      string `json:"name"`      // its file's name, for Engine.Program
	Component string `json:"component"` // the part of a hub that it belongs to, for example "argocd"
	Module    string `json:"module"`    // the path of the Go module that it comes from
	Version   string `json:"version"`   // that module's version, for example "v3.5.7"
}

// programs lists what the recipe makes, with the versions that the nested modules pin.
func (r recipe) programs() ([]Program, error) {
	var programs []Program
	for _, m := range r.modules {
		pins, err := r.pins(m)
		if err != nil {
			return nil, err
		}
		for _, t := range m.targets {
			version, err := pins.version(t.module)
			if err != nil {
				return nil, err
			}
			programs = append(programs, Program{Name: t.name, Component: t.component, Module: t.module, Version: version})
		}
	}
	return programs, nil
}

// cFlags are the flags of the C compiler. All of C that there is is Gitea's SQLite, which for two small repositories need
// not be fast: without debugging information, and with fewer optimizations, it compiles in half of the time.
const cFlags = "-O1"

// inputs is the hash of everything that the engine is made from but the version of Go.
func (r recipe) inputs() (string, error) {
	h := sha256.New()
	sources := sha256.Sum256([]byte(r.sources))
	_, _ = fmt.Fprintf(h, "format %d for %s/%s\n%x\n", format, runtime.GOOS, runtime.GOARCH, sources)
	for _, m := range r.modules {
		flags, err := r.buildFlags(m)
		if err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(h, "module %s cgo %t %q %q\n", m.dir, m.cgo, cFlags, flags)
		for _, t := range m.targets {
			_, _ = fmt.Fprintf(h, "%q %q\n", t.name, t.pkg)
		}
		_, _ = fmt.Fprintf(h, "%#v %q\n", m.copies, m.packages)
	}
	return shortHash(h.Sum(nil)), nil
}

// hashWith is the name of the engine that a version of Go makes of the inputs.
func hashWith(inputs, goVersion string) string {
	sum := sha256.Sum256([]byte(inputs + " " + goVersion))
	return shortHash(sum[:])
}

// shortHash is as much of a checksum as tells engines apart.
func shortHash(sum []byte) string { return fmt.Sprintf("%x", sum[:10]) }

// buildFlags are the flags of go build that decide what is built.
func (r recipe) buildFlags(m nestedModule) ([]string, error) {
	pins, err := r.pins(m)
	if err != nil {
		return nil, err
	}
	linker := []string{"-s", "-w"}
	for _, t := range m.targets {
		version, err := pins.version(t.module)
		if err != nil {
			return nil, err
		}
		for _, s := range t.stamps {
			linker = append(linker, "-X", s.variable+"="+s.form(version))
		}
	}
	return []string{
		"-mod=readonly", "-buildvcs=false", "-trimpath",
		"-gcflags=all=-dwarf=0", // what the linker's -s and -w would throw away takes a tenth of the time to make
		"-tags=" + strings.Join(m.tags, ","),
		"-ldflags=" + strings.Join(linker, " "),
	}, nil
}

// goVersion is the lowest version of Go that can build every module, for example "1.26.6".
func (r recipe) goVersion() (string, error) {
	lowest := ""
	for _, m := range r.modules {
		pins, err := r.pins(m)
		if err != nil {
			return "", err
		}
		if semver.Compare("v"+pins.Go.Version, "v"+lowest) > 0 {
			lowest = pins.Go.Version
		}
	}
	return lowest, nil
}

// files is the tree of sources.
func (r recipe) files() (fs.FS, error) {
	files, err := zip.NewReader(strings.NewReader(r.sources), int64(len(r.sources)))
	if err != nil {
		return nil, fmt.Errorf("reading the engine's sources: %w", err)
	}
	return files, nil
}

// pins are the versions that a nested module's go.mod names.
type pins struct{ *modfile.File }

func (r recipe) pins(m nestedModule) (pins, error) {
	files, err := r.files()
	if err != nil {
		return pins{}, err
	}
	name := path.Join(m.dir, "go.mod")
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return pins{}, fmt.Errorf("reading the engine's sources: %w", err)
	}
	parsed, err := modfile.Parse(name, data, nil)
	if err != nil {
		return pins{}, fmt.Errorf("reading the engine's sources: %w", err)
	}
	if parsed.Go == nil {
		return pins{}, fmt.Errorf("reading the engine's sources: %s: no go line", name)
	}
	return pins{parsed}, nil
}

// version returns the pinned version of the module with the given path.
func (p pins) version(module string) (string, error) {
	for _, r := range p.Require {
		if r.Mod.Path == module {
			return r.Mod.Version, nil
		}
	}
	return "", fmt.Errorf("reading the engine's sources: %s: no module %s", p.Syntax.Name, module)
}

// owner returns the module that a slash-separated path of a patch lies in: the one with the longest path of those that
// it begins with. It is empty if there is none.
func (p pins) owner(file string) string {
	owner := ""
	for _, r := range p.Require {
		if strings.HasPrefix(file, r.Mod.Path+"/") && len(r.Mod.Path) > len(owner) {
			owner = r.Mod.Path
		}
	}
	return owner
}
