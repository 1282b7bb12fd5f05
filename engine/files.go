package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/yaml"
)

// copyFiles puts the files that the programs need into the engine in dir.
func (w *workspace) copyFiles(dir string) error {
	for _, c := range w.module.copies {
		root, to := w.folders[c.module], filepath.Join(dir, filepath.FromSlash(c.to))
		trimmed := 0
		for _, pattern := range c.from {
			found, err := fs.Glob(os.DirFS(root), pattern)
			if err != nil {
				return fmt.Errorf("copying files of %s: %w", c.module, err)
			}
			if len(found) == 0 {
				return fmt.Errorf("copying files of %s: it has none that match %s", c.module, pattern)
			}
			for _, name := range found {
				place, from := filepath.Join(to, filepath.Base(name)), filepath.Join(root, filepath.FromSlash(name))
				if err := copyTree(place, from); err != nil {
					return fmt.Errorf("copying files of %s: %w", c.module, err)
				}
				if !c.asJSON {
					continue
				}
				count, err := convertToJSON(place, c.trims)
				if err != nil {
					return fmt.Errorf("converting files of %s: %w", c.module, err)
				}
				trimmed += count
			}
		}
		if trimmed != len(c.trims) {
			return fmt.Errorf("trimming definitions of %s: %d were found: want %d", c.module, trimmed, len(c.trims))
		}
	}
	return nil
}

// copyTree copies a file or a folder with all below it. Modes are set at the end, by measure: modules have none.
func copyTree(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}

// convertToJSON replaces every YAML file at or below path, of one document each, by the same in JSON: that is read in a
// twentieth of the time, again and again. On the way it trims definitions, and returns how many trims found theirs.
func convertToJSON(path string, trims []trim) (trimmed int, err error) {
	err = filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var object map[string]any
		if err := yaml.Unmarshal(data, &object, useNumber); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		count, err := trimDefinition(object, trims)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		trimmed += count
		converted, err := json.Marshal(object)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := os.WriteFile(strings.TrimSuffix(path, ".yaml")+".json", converted, 0o644); err != nil {
			return err
		}
		return os.Remove(path)
	})
	return trimmed, err
}

// useNumber keeps whole numbers as they are written.
func useNumber(d *json.Decoder) *json.Decoder {
	d.UseNumber()
	return d
}

// filesBelow lists the files below a folder by their slash-separated relative paths, in order.
func filesBelow(dir string) ([]string, error) {
	var paths []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the engine's files: %w", err)
	}
	slices.Sort(paths)
	return paths, nil
}

// measure fills in the size and checksum of every file that the manifest lists, and sets the files' modes.
func (m *Manifest) measure(ctx context.Context, dir string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	each := func(f *File) {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return f.measure(dir)
		})
	}
	for i := range m.Programs {
		each(&m.Programs[i].File)
	}
	for i := range m.Packages {
		each(&m.Packages[i].File)
	}
	for i := range m.Files {
		each(&m.Files[i])
	}
	return group.Wait()
}

func (f *File) measure(dir string) (err error) {
	path := filepath.Join(dir, filepath.FromSlash(f.Path))
	defer func() {
		if err != nil {
			err = fmt.Errorf("measuring %s: %w", f.Path, err)
		}
	}()
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	if err := os.Chmod(path, f.mode()); err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	f.Size, err = io.Copy(sum, file)
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return err
}
