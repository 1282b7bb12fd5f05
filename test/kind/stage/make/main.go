// Command make makes the stage for tests on kind, or finds that it is there, and says what node image kind is to use.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/test/kind/stage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o stage.Options
	flag.StringVar(&o.Dir, "out", "", "the stage's folder; below the user's cache if empty")
	flag.StringVar(&o.NodeImage, "node-image", stage.DefaultNodeImage, "the image of a kind node")
	flag.Parse()
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("finding the cache: %w", err)
	}
	o.CacheDir = filepath.Join(cache, "backstack")
	if o.Dir == "" {
		o.Dir = filepath.Join(o.CacheDir, "kind-stage")
	}
	progress := report.NewPlain(os.Stderr)
	defer func() { _ = progress.Close() }()
	s, err := stage.Make(ctx, o, progress)
	if err != nil {
		return err
	}
	fmt.Println(s.NodeImage)
	return nil
}
