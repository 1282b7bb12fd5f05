package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Read returns what the file at path holds, for Load. A file over strictyaml.MaxSize bytes is refused, and not read to
// its end. The error names the path, and says what would be right.
func Read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, readError(path, err)
	}
	defer func() { _ = file.Close() }() // it was only read
	return ReadFrom(file, path)
}

// ReadFrom returns what r holds, for input that has no path, such as standard input; see Read. source is what an error
// calls it.
func ReadFrom(r io.Reader, source string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, strictyaml.MaxSize+1))
	if err != nil {
		return nil, readError(source, err)
	}
	if len(data) > strictyaml.MaxSize {
		return nil, fmt.Errorf("reading %s: larger than 1 MiB: want the few lines that describe a Hub", source)
	}
	return data, nil
}

// readError says what is wrong with the file called source, and what would be right.
func readError(source string, err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		err = pathError.Err // without the path, which is named already, and the name of a system call
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("reading %s: %w: want a file that this user may read", source, err)
	}
	return fmt.Errorf("reading %s: %w: want the path of a file that describes a Hub", source, err)
}
