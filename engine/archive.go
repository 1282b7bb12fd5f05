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
	"golang.org/x/sys/unix"
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

// CheckPack says why Pack could not write to path, as far as that can be seen before the engine is there.
func CheckPack(path string) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil {
		return fmt.Errorf("packing the engine into %s: %w: want a path in a folder that there is", path, err)
	} else if !info.IsDir() {
		return fmt.Errorf("packing the engine into %s: %s is not a folder: want a path in one", path, dir)
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("packing the engine into %s: writing to %s: %w: want a folder that this user can write to", path, dir, err)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("packing the engine into %s: it is a folder: want the path of a file, such as one called "+
			"backstack-engine.tar.zst in it", path)
	}
	return nil
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
