package engine

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/klauspost/compress/zstd"
)

// ArchiveName is what an archive of an engine is best called.
func ArchiveName(e *Engine) string {
	return fmt.Sprintf("backstack-engine-%s-%s-%s.tar.zst", e.Manifest.Inputs, e.Manifest.OS, e.Manifest.Arch)
}

// Pack writes an engine to an archive at path: a tar file compressed with Zstandard, with the manifest first and the
// files in order of path. The same engine makes the same bytes. What was at path is replaced once the archive is whole;
// its folder must exist.
func Pack(ctx context.Context, e *Engine, path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("packing the engine into %s: %w", path, explainFull(err))
		}
	}()
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // which fails once it has its name
	defer func() { _ = temp.Close() }()

	if err := writeArchive(ctx, e, temp); err != nil {
		return err
	}
	if err := errors.Join(temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

func writeArchive(ctx context.Context, e *Engine, to io.Writer) error {
	compressor, err := zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressor)
	manifest, err := e.Manifest.encode()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: manifestName, Mode: 0o644, Size: int64(len(manifest))}); err != nil {
		return err
	}
	if _, err := archive.Write(manifest); err != nil {
		return err
	}
	for _, f := range e.Manifest.sorted() {
		if err := archiveFile(ctx, archive, e.Dir, f); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressor.Close())
}

func archiveFile(ctx context.Context, archive *tar.Writer, dir string, f File) error {
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := archive.WriteHeader(&tar.Header{Name: f.Path, Mode: int64(f.mode()), Size: f.Size}); err != nil {
		return err
	}
	if err := copyChecked(ctx, archive, file, f); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return nil
}

// parallelDecoders is how many threads unpack an archive.
func parallelDecoders() int { return min(4, runtime.GOMAXPROCS(0)) }
