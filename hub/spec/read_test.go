package spec

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/back-stack/backstack/internal/strictyaml"
)

func TestReadSaysWhatIsWrongWithAFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("large"), make([]byte, strictyaml.MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", path("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()

	const want = ": want the path of a file that describes a Hub"
	for name, message := range map[string]string{
		path("missing"):    "no such file or directory" + want,
		dir:                "is a directory" + want,
		path("large/file"): "not a directory" + want,
		path("socket"):     "no such device or address" + want,
		path("large"):      "larger than 1 MiB: want the few lines that describe a Hub",
		"":                 "no such file or directory" + want,
	} {
		if _, err := Read(name); err == nil || err.Error() != "reading "+name+": "+message {
			t.Errorf("error %v, want reading %s: %s", err, name, message)
		}
	}
	if _, err := Read(path("missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want one that wraps fs.ErrNotExist", err)
	}
}

func TestReadErrorOfAFileThatThisUserMayNotRead(t *testing.T) {
	err := readError("hub.yaml", &fs.PathError{Op: "open", Path: "hub.yaml", Err: syscall.EACCES})
	if want := "reading hub.yaml: permission denied: want a file that this user may read"; err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestReadReturnsWhatTheFileHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.yaml")
	if err := os.WriteFile(path, []byte("kind: Hub\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := Read(path); err != nil || string(data) != "kind: Hub\n" {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestReadFromStopsReadingAtTheLimit(t *testing.T) {
	endless := strings.NewReader(strings.Repeat("x", 3*strictyaml.MaxSize))
	if _, err := ReadFrom(endless, "standard input"); err == nil || !strings.HasPrefix(err.Error(),
		"reading standard input: ") {
		t.Errorf("error %v, want that standard input is too large", err)
	}
	if left := endless.Len(); left < strictyaml.MaxSize {
		t.Errorf("%d bytes are left, want most of them", left)
	}
}
