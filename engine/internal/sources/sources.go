// Package sources packs the engine's nested Go modules into the zip that the command embeds. A folder with a go.mod of
// its own is out of go:embed's reach, and the command must be able to build its engine without a checkout.
package sources

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Folders are the nested modules, relative to the engine's own folder.
func Folders() []string { return []string{"gitea", "platform"} }

// Zip packs folders of root: the files that a build reads, under their slash-separated names relative to root, in order
// of name, uncompressed and without times. The same files make the same bytes with every version of Go.
func Zip(root fs.FS, folders []string) ([]byte, error) {
	var names []string
	for _, folder := range folders {
		err := fs.WalkDir(root, folder, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() && isSource(name) {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", folder, err)
		}
	}
	slices.Sort(names)

	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for _, name := range names {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
		if _, err := entry.Write(data); err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("packing the engine's sources: %w", err)
	}
	return packed.Bytes(), nil
}

// isSource says whether a build reads the file. What only tests read must not change the engine's hash.
func isSource(name string) bool {
	base := path.Base(name)
	switch {
	case base == "go.mod", base == "go.sum", path.Ext(base) == ".patch":
		return true
	default:
		return path.Ext(base) == ".go" && !strings.HasSuffix(base, "_test.go")
	}
}

// Write packs the nested modules below the folder dir into the file called name there.
func Write(dir, name string) error {
	packed, err := Zip(os.DirFS(dir), Folders())
	if err != nil {
		return err
	}
	if err := os.WriteFile(path.Join(dir, name), packed, 0o644); err != nil {
		return fmt.Errorf("writing the engine's sources: %w", err)
	}
	return nil
}
