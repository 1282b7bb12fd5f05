package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/back-stack/backstack/internal/report"
)

// Cached is an engine in the cache.
type Cached struct {
	Hash     string   `json:"hash"`     // its folder's name
	Dir      string   `json:"dir"`      // its folder
	Current  bool     `json:"current"`  // whether this version of backstack would use it
	Fault    string   `json:"fault"`    // why it cannot be used, or empty; Manifest and Size are then empty
	Size     int64    `json:"size"`     // in bytes
	Manifest Manifest `json:"manifest"` // what is in it
}

// List returns the engines in the cache below cacheDir, in order of hash. Without a cache there are none.
func List(cacheDir string) ([]Cached, error) {
	c, err := newCache(cacheDir, hubRecipe())
	if err != nil {
		return nil, err
	}
	return c.list(), nil
}

func (c *cache) list() []Cached {
	var found []Cached
	for _, name := range c.names() {
		entry := Cached{Hash: name, Dir: filepath.Join(c.dir, name)}
		engine, err := openEngine(entry.Dir)
		if err != nil {
			entry.Fault = err.Error()
		} else {
			entry.Manifest = engine.Manifest
			entry.Size = engine.Manifest.size()
			entry.Current = engine.Manifest.Inputs == c.inputs
		}
		found = append(found, entry)
	}
	return found
}

// Prune removes from the cache below cacheDir what this version of backstack would not use, and returns what it
// removed. It waits until nobody makes an engine there. A hub that still runs such an engine must be stopped first:
// this does not look for one.
func Prune(ctx context.Context, cacheDir string, to report.Reporter) ([]Cached, error) {
	c, err := newCache(cacheDir, hubRecipe())
	if err != nil {
		return nil, err
	}
	return c.prune(ctx, to)
}

func (c *cache) prune(ctx context.Context, to report.Reporter) (removed []Cached, err error) {
	step := report.Start(to, stepName, "removing engines that are no longer used")
	defer func() {
		if err != nil {
			step.Fail(err)
			return
		}
		step.Done(fmt.Sprintf("%d removed", len(removed)))
	}()
	unlock, err := c.lock(ctx, step)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := c.sweep(); err != nil {
		return nil, err
	}
	for _, entry := range c.list() {
		if entry.Current {
			continue
		}
		if err := os.RemoveAll(entry.Dir); err != nil {
			return removed, fmt.Errorf("removing the engine %s: %w", entry.Hash, err)
		}
		removed = append(removed, entry)
	}
	return removed, nil
}
