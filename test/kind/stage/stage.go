// Package stage makes what a hub on a kind cluster needs where no image registry, no chart repository and nothing else
// of the internet can be reached, for tests to run there: the components' container images, built from the Go modules
// that the engine pins, in the image of a node; upstream's charts; and the packages of composition functions.
//
// A stage is a folder:
//
//	bin/         programs, which are in images
//	images/      the components' images, an OCI image layout
//	packages/    the packages of functions, another
//	charts/      a chart repository
//	stage.json   what is in the folder, and the hash of what it was made of
//
// and an image in docker, by which kind makes nodes.
package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/back-stack/backstack/engine"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/test/kind/stage/charts"
	"github.com/back-stack/backstack/test/kind/stage/image"
)

// Options say where a stage is, and what it is made of.
type Options struct {
	// Dir is the stage's folder.
	Dir string
	// CacheDir is where the engine is kept, for example $XDG_CACHE_HOME/backstack.
	CacheDir string
	// NodeImage is the image of a kind node, in docker.
	NodeImage string
}

// The images that docker must have.
const (
	// DefaultNodeImage is a node's that is built from Go modules and Debian packages.
	DefaultNodeImage = "kindest/node:v1.34.4-local"
	debianImage      = "debian:trixie-slim"
)

// Stage is a stage that is there.
type Stage struct {
	Dir       string         `json:"-"`         // absolute
	Hash      string         `json:"hash"`      // of what it was made of
	NodeImage string         `json:"nodeImage"` // in docker, for kind
	Charts    []charts.Chart `json:"charts"`    // below the folder charts

	Engine *engine.Engine `json:"-"` // of which some of it was made
}

const recordName = "stage.json"

// Make returns the stage in a folder, made if it is not there or was made of something else, which takes minutes. The
// work is told to the reporter as the step "stage".
func Make(ctx context.Context, o Options, to report.Reporter) (*Stage, error) {
	step := report.Start(to, "stage", "looking for the stage of tests on kind")
	s, made, err := ensure(ctx, o, to, step)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	if made == 0 {
		step.Unchanged(s.NodeImage)
	} else {
		step.Done(fmt.Sprintf("%s, made in %s", s.NodeImage, made.Round(100*time.Millisecond)))
	}
	return s, nil
}

func ensure(ctx context.Context, o Options, to report.Reporter, step *report.Step) (*Stage, time.Duration, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, 0, fmt.Errorf("finding the stage's folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, 0, fmt.Errorf("making the stage's folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, ".lock"))
	if _, err := lock.TryLockContext(ctx, time.Second); err != nil {
		return nil, 0, fmt.Errorf("waiting for whoever makes the stage in %s: %w", dir, err)
	}
	defer func() { _ = lock.Unlock() }()

	in, err := gather(ctx, o, to)
	if err != nil {
		return nil, 0, err
	}
	found := find(dir)
	if found != nil {
		found.Engine = in.engine
	}
	if found != nil && found.Hash == in.hash {
		if _, err := inspectImage(ctx, found.NodeImage); err == nil {
			return found, 0, nil
		} else if !errors.Is(err, errNoImage) {
			return nil, 0, err
		}
	}
	started := time.Now()
	s, err := in.make(ctx, dir, step)
	if err != nil {
		return nil, 0, err
	}
	if found != nil && found.NodeImage != s.NodeImage {
		_, _ = docker(ctx, "image", "rm", found.NodeImage) // which stays if a cluster runs by it
	}
	return s, time.Since(started), nil
}

// find returns the stage that is in dir, or nil.
func find(dir string) *Stage {
	data, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return nil
	}
	s := &Stage{Dir: dir}
	if json.Unmarshal(data, s) != nil {
		return nil
	}
	return s
}

// make fills the folder. The record comes last: it says that everything is there.
func (in *inputs) make(ctx context.Context, dir string, step *report.Step) (*Stage, error) {
	record := filepath.Join(dir, recordName)
	if err := os.Remove(record); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("making the stage anew: %w", err)
	}
	s := &Stage{Dir: dir, Hash: in.hash, NodeImage: nodeRepository + ":" + in.hash, Engine: in.engine}
	p := parts{programs: filepath.Join(dir, "bin"), engine: in.engine}
	var err error
	if p.modules, err = moduleFolders(ctx, in.root); err != nil {
		return nil, err
	}
	if s.Charts, err = charts.Write(s.ChartsDir(), charts.Modules{
		ArgoCD: os.DirFS(p.modules[argocdModule]), Crossplane: os.DirFS(p.modules[crossplaneModule]),
		Kyverno: os.DirFS(p.modules[kyvernoModule]), KyvernoAPI: os.DirFS(p.modules[kyvernoAPIModule]),
	}); err != nil {
		return nil, err
	}
	if err := build(ctx, in.root, p.programs, step.Wait); err != nil {
		return nil, err
	}
	if err := s.fillStores(ctx, p, step); err != nil {
		return nil, err
	}
	step.Wait("making the node's image")
	if err := makeNode(ctx, in.node, filepath.Join(dir, imagesDir), s.NodeImage); err != nil {
		return nil, err
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err == nil {
		err = os.WriteFile(record, append(data, '\n'), 0o644)
	}
	if err != nil {
		return nil, fmt.Errorf("recording what is on the stage: %w", err)
	}
	return s, nil
}

// The stage's folders of images.
const (
	imagesDir   = "images"
	packagesDir = "packages"
)

func (s *Stage) fillStores(ctx context.Context, p parts, step *report.Step) error {
	images, err := image.Create(filepath.Join(s.Dir, imagesDir))
	if err != nil {
		return err
	}
	step.Wait("building the Debian of images")
	if p.debian, err = debian(ctx, images, s.Dir); err != nil {
		return err
	}
	step.Wait("making images")
	if p.static, err = images.Layer(staticFiles()); err != nil {
		return err
	}
	if err := p.makeImages(images); err != nil {
		return err
	}
	packages, err := image.Create(filepath.Join(s.Dir, packagesDir))
	if err != nil {
		return err
	}
	if p.static, err = packages.Layer(staticFiles()); err != nil {
		return err
	}
	return p.makePackages(packages)
}

// ChartsDir is the folder of packed charts, a chart repository for whoever serves it.
func (s *Stage) ChartsDir() string { return filepath.Join(s.Dir, "charts") }

// Images are the components' images.
func (s *Stage) Images() image.Store { return image.Open(filepath.Join(s.Dir, imagesDir)) }

// Packages are the packages of functions.
func (s *Stage) Packages() image.Store { return image.Open(filepath.Join(s.Dir, packagesDir)) }
