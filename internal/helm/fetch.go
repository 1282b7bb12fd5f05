package helm

import (
	"context"
	"fmt"
	"io"
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
	files, err := fetch(ctx, repository, name, version)
	if err != nil {
		return nil, fmt.Errorf("fetching chart %s %s from %s: %w", name, version, repository, err)
	}
	return files, nil
}

func fetch(ctx context.Context, repository, name, version string) (map[string][]byte, error) {
	settings := cli.New()
	client, err := registry.NewClient(registry.ClientOptCredentialsFile(settings.RegistryConfig), registry.ClientOptWriter(io.Discard))
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
	dir, err := os.MkdirTemp("", "backstack-chart-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	download := downloader.ChartDownloader{
		Out: io.Discard, Getters: getters, RegistryClient: client, Verify: downloader.VerifyNever,
		Options:          []getter.Option{getter.WithRegistryClient(client)},
		RepositoryConfig: settings.RepositoryConfig, RepositoryCache: settings.RepositoryCache,
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	archive, _, err := download.DownloadTo(reference, version, dir)
	if err != nil {
		return nil, err
	}
	return unpack(filepath.Clean(archive))
}

// unpack reads an archived chart; Helm's loader refuses paths out of the archive.
func unpack(path string) (map[string][]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	buffered, err := loader.LoadArchiveFiles(file)
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte, len(buffered))
	for _, f := range buffered {
		files[f.Name] = f.Data
	}
	return files, nil
}
