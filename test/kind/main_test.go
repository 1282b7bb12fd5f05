//go:build e2e

// Package kind tests hubs whose components run as pods, on real kind clusters: `make e2e-kind` runs it. It needs docker, and
// the node image that KIND_NODE_IMAGE names; everything else is made from the modules that the engine pins, see stage.
package kind

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/test/internal/hubtest"
	"github.com/back-stack/backstack/test/kind/stage"
	"github.com/back-stack/backstack/test/kind/stage/registry"
)

var (
	machine *hubtest.Machine
	on      *stage.Stage
	open    *registry.Registry // has the packages of functions, for everybody
	closed  *registry.Registry // has everything, for who has the password
)

func TestMain(m *testing.M) {
	// What the tests look at is docker's, also where another engine is installed.
	if err := os.Setenv("KIND_EXPERIMENTAL_PROVIDER", "docker"); err != nil {
		panic(err)
	}
	os.Exit(hubtest.Main(func(made *hubtest.Machine) { machine = made }, func() int {
		if err := setUp(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _, _ = open.Close(), closed.Close() }()
		return m.Run()
	}))
}

// plainNode is the node image without the components' images.
func plainNode() string { return cmp.Or(os.Getenv("KIND_NODE_IMAGE"), stage.DefaultNodeImage) }

// setUp makes the stage and its registries.
func setUp() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	on, err = stage.Make(ctx, stage.Options{
		Dir: filepath.Join(cache, "backstack", "kind-stage"), CacheDir: filepath.Join(cache, "backstack"), NodeImage: plainNode(),
	}, report.NewPlain(os.Stderr))
	if err != nil {
		return err
	}
	if open, err = on.StartRegistry(ctx, filepath.Join(machine.Root, "open")); err != nil {
		return err
	}
	open.Open()
	if err := on.PushPackages(ctx, open, "hub"); err != nil {
		return err
	}
	if closed, err = on.StartRegistry(ctx, filepath.Join(machine.Root, "closed")); err != nil {
		return err
	}
	if err := on.PushPackages(ctx, closed, "hub"); err != nil {
		return err
	}
	return on.PushImages(ctx, closed, "hub")
}
