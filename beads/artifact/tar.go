package artifact

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// writeTar writes files in the order of their names, with nothing in it of when, where and by whom it was written.
func writeTar(w io.Writer, files map[string][]byte) error {
	archive := tar.NewWriter(w)
	for _, name := range sorted(files) {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(files[name]); err != nil {
			return err
		}
	}
	return archive.Close()
}

// readTar returns the files of an archive. It holds regular files and folders, and nothing after its end.
func readTar(r io.Reader, max limits) (map[string][]byte, error) {
	stream := &capped{from: r, limit: max.stream, left: max.stream}
	archive, t := tar.NewReader(stream), newTree(max)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // the tree says what is wrong with the path
			return nil, err
		}
		if err := t.addEntry(header, archive); err != nil {
			return nil, fmt.Errorf("entry %q %w", header.Name, err)
		}
	}
	rest, err := io.ReadAll(stream)
	if err != nil {
		return nil, err
	}
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, errors.New("there is data after the end of the archive: want nothing")
	}
	return t.files, nil
}

// addEntry takes in an entry of an archive.
func (t *tree) addEntry(header *tar.Header, content io.Reader) error {
	const want = "want regular files and folders alone"
	switch header.Typeflag {
	case tar.TypeReg:
		return t.add(header.Name, header.Size, content)
	case tar.TypeDir:
		return t.addFolder(strings.TrimSuffix(header.Name, "/"))
	case tar.TypeSymlink:
		return fmt.Errorf("is a symbolic link to %q: %s", header.Linkname, want)
	case tar.TypeLink:
		return fmt.Errorf("is a hard link to %q: %s", header.Linkname, want)
	case tar.TypeChar, tar.TypeBlock:
		return errors.New("is a device: " + want)
	case tar.TypeFifo:
		return errors.New("is a named pipe: " + want)
	}
	return fmt.Errorf("is of the type %q: %s", header.Typeflag, want)
}

// capped is a reader for which too much is an error, and not an end: a small archive can unpack to any size.
type capped struct {
	from        io.Reader
	limit, left int64
}

// Read reads up to one byte more than is allowed, to know that there is one.
func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.from.Read(p)
	if c.left -= int64(n); c.left < 0 {
		c.left = 0
		return 0, fmt.Errorf("it unpacks to more than %d bytes: %w", c.limit, errTooMuch)
	}
	return n, err
}
