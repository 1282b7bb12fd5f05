package engine

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/back-stack/backstack/internal/report"
	"github.com/dustin/go-humanize"
	"github.com/klauspost/compress/zstd"
)

// manifestLimit is how large an archive's manifest may be, in bytes: many times what one of ours is.
const manifestLimit = 16 << 20

// archive is an engine that Pack has packed. It is an origin.
type archive struct {
	path     string
	place    string // the cache's folder
	manifest Manifest
}

// openArchive reads an archive's manifest and refuses what is not an engine for this machine and this recipe.
func openArchive(path string, c *cache) (*archive, error) {
	a := &archive{path: path, place: c.dir}
	fault := a.readManifest()
	if fault == nil {
		fault = a.suits(c)
	}
	if fault != nil {
		return nil, unmet(fmt.Errorf("the engine archive %s cannot be used: %w", path, fault))
	}
	return a, nil
}

func (a *archive) readManifest() error {
	return a.read(func(entries *tar.Reader) error {
		m, err := nextManifest(entries)
		a.manifest = m
		return err
	})
}

// read calls do with the archive's entries.
func (a *archive) read(do func(*tar.Reader) error) error {
	file, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	decompressor, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(parallelDecoders()))
	if err != nil {
		return fmt.Errorf("%w (%w)", errDamaged, err)
	}
	defer decompressor.Close()
	err = do(tar.NewReader(damageMarker{decompressor}))
	cut := errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
	if cut && !errors.Is(err, errDamaged) {
		err = fmt.Errorf("%w (%w)", errDamaged, err)
	}
	return err
}

// damageMarker tells what decompressing could not do from what those who read cannot do with it.
type damageMarker struct{ from io.Reader }

// errDamaged is that a file does not decompress to a tar file.
var errDamaged = errors.New("it is damaged, cut short or not an engine archive at all: " +
	"want one that `backstack engine build --output` has made, whole")

func (r damageMarker) Read(data []byte) (int, error) {
	n, err := r.from.Read(data)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("%w (%w)", errDamaged, err)
	}
	return n, err
}

// nextManifest reads the manifest, which is an archive's first entry.
func nextManifest(entries *tar.Reader) (Manifest, error) {
	header, err := entries.Next()
	if err != nil {
		return Manifest{}, err
	}
	if header.Name != manifestName || header.Typeflag != tar.TypeReg {
		return Manifest{}, fmt.Errorf("its first entry is %q: want %s", header.Name, manifestName)
	}
	data, err := io.ReadAll(io.LimitReader(entries, manifestLimit))
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("reading its manifest: %w", err)
	}
	return m, m.check()
}

// suits says whether the archive holds the engine that the cache's recipe makes.
func (a *archive) suits(c *cache) error {
	if a.manifest.Inputs == c.inputs {
		return nil
	}
	wanted, err := c.recipe.programs()
	if err != nil {
		return err
	}
	return fmt.Errorf("it holds engine %s, made by another version of backstack: want engine %s%s",
		a.manifest.Inputs, c.inputs, difference(a.manifest.Programs, wanted))
}

// difference names the programs whose versions differ.
func difference(has []BuiltProgram, wanted []Program) string {
	versions := map[string]string{}
	for _, p := range has {
		versions[p.Name] = p.Version
	}
	var differ []string
	for _, p := range wanted {
		if v := versions[p.Name]; v == "" {
			differ = append(differ, "no "+p.Name)
		} else if v != p.Version {
			differ = append(differ, fmt.Sprintf("%s %s instead of %s", p.Name, v, p.Version))
		}
	}
	if len(differ) == 0 {
		return ""
	}
	return " (it has " + strings.Join(differ, ", ") + ")"
}

func (a *archive) hash() string { return a.manifest.Hash }

func (a *archive) check(context.Context) error {
	// As much again, because the old engine goes only after the new one has come.
	room := checkSpace([]space{{a.place, uint64(a.manifest.size())}})
	return unmet(append(room, checkWritable(a.place))...)
}

// make unpacks the archive into dir. It writes only files that the manifest lists, and each must be as listed.
func (a *archive) make(ctx context.Context, dir, _ string, step *report.Step) (Manifest, error) {
	step.Wait(fmt.Sprintf("unpacking %s of %s", humanize.IBytes(uint64(a.manifest.size())), a.path))
	err := a.read(func(entries *tar.Reader) error {
		if _, err := nextManifest(entries); err != nil {
			return err
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return err
		}
		defer func() { _ = root.Close() }()
		return unpackFiles(ctx, entries, root, a.manifest.all())
	})
	if err != nil {
		return Manifest{}, fmt.Errorf("unpacking the engine archive %s: %w", a.path, err)
	}
	return a.manifest, nil
}

// unpackFiles writes the entries to files below root, which must be just the given ones.
func unpackFiles(ctx context.Context, entries *tar.Reader, root *os.Root, files []File) error {
	missing := map[string]File{}
	for _, f := range files {
		missing[f.Path] = f
	}
	for {
		header, err := entries.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		f, listed := missing[header.Name]
		if !listed || header.Typeflag != tar.TypeReg {
			return fmt.Errorf("the entry %q is not a file that its manifest lists, or comes twice", header.Name)
		}
		if err := unpackFile(ctx, entries, root, f); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		delete(missing, f.Path)
	}
	for name := range missing {
		return fmt.Errorf("%s is missing from it", name)
	}
	return nil
}

func unpackFile(ctx context.Context, from io.Reader, root *os.Root, f File) error {
	if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	file, err := root.OpenFile(filepath.FromSlash(f.Path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, fs.FileMode(f.mode()))
	if err != nil {
		return err
	}
	return errors.Join(copyChecked(ctx, file, from, f), file.Chmod(f.mode()), file.Close())
}

// copyChecked copies a file that must have the size and checksum of f.
func copyChecked(ctx context.Context, to io.Writer, from io.Reader, f File) error {
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(to, sum), &contextReader{ctx: ctx, from: from})
	if err != nil {
		return err
	}
	if size != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return errors.New("it is not what the manifest says it is: its size or checksum differs")
	}
	return nil
}

// contextReader reads until its context ends.
type contextReader struct {
	ctx  context.Context
	from io.Reader
}

func (r *contextReader) Read(data []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(data)
}
