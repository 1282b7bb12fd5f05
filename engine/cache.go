package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/back-stack/backstack/internal/report"
	"github.com/dustin/go-humanize"
	"github.com/gofrs/flock"
)

const (
	stepName = "engine"

	// tempPrefix begins the names of folders in which an engine is made. Whoever holds the lock may remove them.
	tempPrefix = ".making-"
	lockName   = ".lock"

	// lockRetry is how often a waiting process asks for the lock. The system can wait for a file lock, but such a wait
	// cannot be cancelled.
	lockRetry = 200 * time.Millisecond
)

// cache is a folder of engines.
type cache struct {
	dir    string // absolute
	recipe recipe
	inputs string // the recipe's
}

// origin is where an engine comes from that the cache does not have.
type origin interface {
	// hash is the engine's name in the cache, or empty if that cannot be known, because there is no usable Go.
	hash() string
	// check returns an *UnmetError if make cannot begin.
	check(ctx context.Context) error
	// make fills an empty folder with an engine. It may use another, scratch, as it likes.
	make(ctx context.Context, dir, scratch string, step *report.Step) (Manifest, error)
}

func newCache(root string, r recipe) (*cache, error) {
	dir, err := filepath.Abs(filepath.Join(root, "engine"))
	if err != nil {
		return nil, fmt.Errorf("finding the cache of engines: %w", err)
	}
	inputs, err := r.inputs()
	if err != nil {
		return nil, err
	}
	return &cache{dir: dir, recipe: r, inputs: inputs}, nil
}

// ensure returns the engine that is in the cache, or makes one.
func (c *cache) ensure(ctx context.Context, archive string, to report.Reporter) (*Engine, error) {
	step := report.Start(to, stepName, "looking for the hub's programs")
	engine, err := c.findOrMake(ctx, archive, step)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	return engine, nil
}

func (c *cache) findOrMake(ctx context.Context, archive string, step *report.Step) (*Engine, error) {
	from, err := c.origin(ctx, archive)
	if err != nil {
		return nil, err
	}
	if engine := c.find(from.hash()); engine != nil {
		step.Unchanged(describe(engine))
		return engine, nil
	}
	return c.fill(ctx, from, step)
}

// check says whether ensure could begin.
func (c *cache) check(ctx context.Context, archive string) error {
	from, err := c.origin(ctx, archive)
	if err != nil {
		return err
	}
	if c.find(from.hash()) != nil {
		return nil
	}
	return from.check(ctx)
}

func (c *cache) origin(ctx context.Context, archive string) (origin, error) {
	if archive != "" {
		return openArchive(archive, c)
	}
	return newBuilder(ctx, c)
}

// find returns the complete engine with the given hash, or nil. Without a hash any engine of the same inputs will do.
func (c *cache) find(hash string) *Engine {
	if hash != "" {
		engine, err := openEngine(filepath.Join(c.dir, hash))
		if err != nil {
			return nil // it is not there or not whole, and will be made
		}
		return engine
	}
	for _, name := range c.names() {
		engine, err := openEngine(filepath.Join(c.dir, name))
		if err == nil && engine.Manifest.Inputs == c.inputs {
			return engine
		}
	}
	return nil
}

// names are those of the engines in the cache, whole or not, in order.
func (c *cache) names() []string {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil // no cache yet; a folder that cannot be read is found out when it is written
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// fill makes an engine while it holds the cache's lock. One that another process has put there in the meantime is as good.
func (c *cache) fill(ctx context.Context, from origin, step *report.Step) (*Engine, error) {
	if err := from.check(ctx); err != nil {
		return nil, err
	}
	unlock, err := c.lock(ctx, step)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if engine := c.find(from.hash()); engine != nil {
		step.Done(describe(engine))
		return engine, nil
	}
	started := time.Now()
	if err := c.sweep(); err != nil {
		return nil, err
	}
	if err := c.makeFrom(ctx, from, step); err != nil {
		return nil, err
	}
	engine, err := openEngine(filepath.Join(c.dir, from.hash()))
	if err != nil {
		return nil, err
	}
	step.Done(fmt.Sprintf("%s, made in %s", describe(engine), time.Since(started).Round(100*time.Millisecond)))
	return engine, nil
}

// makeFrom makes an engine beside its place and then moves it there, in one step that a kill cannot divide.
func (c *cache) makeFrom(ctx context.Context, from origin, step *report.Step) error {
	temp, err := os.MkdirTemp(c.dir, tempPrefix)
	if err != nil {
		return fmt.Errorf("making the engine: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // what is left of it, the next fill removes
	made, scratch := filepath.Join(temp, "engine"), filepath.Join(temp, "scratch")
	for _, dir := range []string{made, scratch} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("making the engine: %w", err)
		}
	}
	manifest, err := from.make(ctx, made, scratch, step)
	if err != nil {
		return explainFull(err)
	}
	if err := writeManifest(made, manifest); err != nil {
		return explainFull(err)
	}
	place := filepath.Join(c.dir, manifest.Hash)
	if err := os.RemoveAll(place); err != nil { // one that is broken
		return fmt.Errorf("making room for the engine: %w", err)
	}
	if err := os.Rename(made, place); err != nil {
		return fmt.Errorf("making the engine: %w", err)
	}
	return nil
}

// lock waits until nobody else makes an engine in this cache, and keeps it so until the returned function is called.
func (c *cache) lock(ctx context.Context, step *report.Step) (unlock func(), err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the cache of engines: %w", err)
	}
	file := flock.New(filepath.Join(c.dir, lockName))
	got, err := file.TryLock()
	if err == nil && !got {
		step.Wait("another backstack is making an engine; waiting until it has")
		_, err = file.TryLockContext(ctx, lockRetry)
	}
	if err != nil {
		return nil, fmt.Errorf("locking the cache of engines: %w", err)
	}
	return func() { _ = file.Unlock() }, nil
}

// sweep removes what was left behind by those who were killed while they made an engine.
func (c *cache) sweep() error {
	left, err := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*"))
	if err != nil {
		return fmt.Errorf("looking for leftovers of a killed build: %w", err)
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing what a killed build has left: %w", err)
		}
	}
	return nil
}

func describe(e *Engine) string {
	size := humanize.IBytes(uint64(e.Manifest.size()))
	return fmt.Sprintf("%d programs, %s, %s", len(e.Manifest.Programs), size, e.Manifest.Go)
}
