package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/helm"
)

// archives returns upstream's charts of a hub's components. Those that are not in dir yet are fetched, all at once. An
// archive whose digest is not the one that is wanted is refused, as a *RequestError. Nothing is changed.
func archives(ctx context.Context, dir string, described *spec.Hub) (render.Archives, error) {
	found := render.Archives{}
	var faults []error
	var group errgroup.Group
	components := charts.Components()
	contents, errs := make([][]byte, len(components)), make([]error, len(components))
	for n, component := range components {
		upstream, ok := render.UpstreamOf(described, component.Name)
		if !ok {
			continue
		}
		group.Go(func() error {
			contents[n], errs[n] = archive(ctx, dir, described.Spec.Charts, upstream)
			return nil
		})
	}
	_ = group.Wait() // the faults are in errs
	if ctx.Err() != nil {
		return nil, fmt.Errorf("fetching charts: %w", context.Cause(ctx))
	}
	for n, component := range components {
		if errs[n] != nil {
			faults = append(faults, errs[n])
		} else if contents[n] != nil {
			found[component.Name] = contents[n]
		}
	}
	if len(faults) > 0 {
		return nil, &RequestError{errors.Join(faults...)}
	}
	return found, nil
}

// archive returns one of upstream's charts from dir, or else from source, or else from where its authors publish it.
func archive(ctx context.Context, dir, source string, upstream charts.Upstream) ([]byte, error) {
	path := archivePath(dir, upstream)
	content, err := os.ReadFile(path)
	if err == nil && (upstream.Digest == "" || digest(content) == upstream.Digest) {
		return content, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading chart %s: %w", path, err)
	}
	if source == "" {
		source = upstream.Repository
	}
	if content, err = helm.Archive(ctx, source, upstream.Name, upstream.Version); err != nil {
		return nil, fmt.Errorf("%w: spec.charts or --charts names a folder, a chart repository or a registry that has it", err)
	}
	if got := digest(content); upstream.Digest != "" && got != upstream.Digest {
		return nil, fmt.Errorf("checking chart %s %s from %s: its digest is %s: want %s, so this is another chart than the one that "+
			"was asked for; spec.components.NAME.chart.digest says which is wanted", upstream.Name, upstream.Version, source, got,
			upstream.Digest)
	}
	return content, nil
}

func archivePath(dir string, upstream charts.Upstream) string {
	return filepath.Join(dir, upstream.Name+"-"+upstream.Version+".tgz")
}

// keepArchives puts upstream's charts into dir, for archives to find them.
func keepArchives(dir string, described *spec.Hub, fetched render.Archives) error {
	for component, content := range fetched {
		upstream, _ := render.UpstreamOf(described, component)
		path := archivePath(dir, upstream)
		if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
			continue
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the folder of charts: %w", err)
		}
		if err := atomicfile.Write(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
