package helm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/cli"
	"helm.sh/helm/v3/pkg/downloader"
	"helm.sh/helm/v3/pkg/getter"
	"helm.sh/helm/v3/pkg/registry"
	"helm.sh/helm/v3/pkg/repo"
)

// Fetch gets the files of a chart in a repository, which is the https:// URL of a chart repository or the oci:// URL that
// charts are below. Credentials come from where Helm keeps them.
func Fetch(ctx context.Context, repository, name, version string) (map[string][]byte, error) {
	content, err := Archive(ctx, repository, name, version)
	if err != nil {
		return nil, err
	}
	files, err := unpack(content)
	if err != nil {
		return nil, fmt.Errorf("unpacking chart %s %s from %s: %w", name, version, repository, err)
	}
	return files, nil
}

// Archive gets a chart as it is published, from a repository as for Fetch or from a folder that has it as NAME-VERSION.tgz.
func Archive(ctx context.Context, repository, name, version string) ([]byte, error) {
	content, err := archive(ctx, repository, name, version)
	if err != nil {
		return nil, fmt.Errorf("fetching chart %s %s from %s: %w", name, version, repository, err)
	}
	return content, nil
}

func archive(ctx context.Context, repository, name, version string) ([]byte, error) {
	if filepath.IsAbs(repository) {
		return os.ReadFile(filepath.Join(repository, name+"-"+version+".tgz"))
	}
	dir, err := os.MkdirTemp("", "backstack-chart-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	type result struct {
		content []byte
		err     error
	}
	// Helm's way of fetching knows no context. One that goes on has no folder to write to.
	fetched := make(chan result, 1)
	go func() {
		content, err := download(repository, name, version, dir)
		fetched <- result{content, err}
	}()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case r := <-fetched:
		return r.content, r.err
	}
}

// download fetches a chart into dir, and reads it there.
func download(repository, name, version, dir string) ([]byte, error) {
	settings := cli.New()
	client, err := registry.NewClient(
		registry.ClientOptCredentialsFile(settings.RegistryConfig), registry.ClientOptWriter(io.Discard),
		// Helm's own client goes on over plain HTTP, with the credentials, where a registry has no TLS.
		registry.ClientOptHTTPClient(&http.Client{Transport: registry.NewTransport(false)}),
	)
	if err != nil {
		return nil, err
	}
	getters := getter.All(settings)
	reference := strings.TrimSuffix(repository, "/") + "/" + name
	if !registry.IsOCI(repository) {
		reference, err = repo.FindChartInRepoURL(repository, name, version, "", "", "", getters)
		if err != nil {
			return nil, err
		}
	}
	fetcher := downloader.ChartDownloader{
		Out: io.Discard, Getters: getters, RegistryClient: client, Verify: downloader.VerifyNever,
		Options:          []getter.Option{getter.WithRegistryClient(client)},
		RepositoryConfig: settings.RepositoryConfig, RepositoryCache: settings.RepositoryCache,
	}
	path, _, err := fetcher.DownloadTo(reference, version, dir)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// unpack reads an archived chart; Helm's loader refuses paths out of the archive.
func unpack(archive []byte) (map[string][]byte, error) {
	buffered, err := loader.LoadArchiveFiles(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(buffered))
	for _, f := range buffered {
		files[f.Name] = f.Data
	}
	return files, nil
}
