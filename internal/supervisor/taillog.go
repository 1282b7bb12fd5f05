package supervisor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// TailLog returns the last lines of what the process called name has written, at most so many, the oldest first. It
// reads on in rotated files where the newest is too short. dir is the supervisor's folder; no supervisor need be
// running.
func TailLog(dir, name string, lines int) ([]string, error) {
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("reading the log of %q: want a process's name", name)
	}
	tail, err := tailFile(LogPath(dir, name), lines)
	if err != nil {
		return nil, fmt.Errorf("reading the log of %s: %w", name, err)
	}
	for i := 1; i <= logKeep && bytes.Count(tail, []byte("\n")) <= lines; i++ {
		older, err := tailFile(rotated(LogPath(dir, name), i), lines)
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the log of %s: %w", name, err)
		}
		tail = append(older, tail...)
	}
	text := strings.TrimSuffix(string(tail), "\n")
	if text == "" {
		return nil, nil
	}
	all := strings.Split(text, "\n")
	return all[max(0, len(all)-lines):], nil
}

// tailFile returns the end of a file, with at least so many whole lines if it has them. It reads backwards, so that it
// costs the same for a long file as for a short one.
func tailFile(path string, lines int) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	const block = 64 << 10
	var blocks [][]byte // the last one of the file first
	for breaks := 0; end > 0 && breaks <= lines; {
		begin := max(0, end-block)
		data := make([]byte, end-begin)
		n, err := file.ReadAt(data, begin)
		if err != nil && !errors.Is(err, io.EOF) { // io.EOF: the log was rotated in between
			return nil, err
		}
		breaks += bytes.Count(data[:n], []byte("\n"))
		blocks, end = append(blocks, data[:n]), begin
	}
	slices.Reverse(blocks)
	return bytes.Join(blocks, nil), nil
}
