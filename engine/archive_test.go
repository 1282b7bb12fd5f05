package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/back-stack/backstack/internal/report"
	"github.com/klauspost/compress/zstd"
)

func TestArchiveBringsTheSameEngine(t *testing.T) {
	packed := packPlain(t)
	c := plainCache(t)
	told := &recorder{}
	engine, err := c.ensure(t.Context(), packed, told)
	if err != nil {
		t.Fatal(err)
	}
	if told.last() != report.Done {
		t.Errorf("the step ended as %q: want %q", told.last(), report.Done)
	}
	for path, want := range plainFiles() {
		got, err := os.ReadFile(filepath.Join(engine.Dir, path))
		if err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v: want %q", path, got, err, want)
		}
	}
	if info, err := os.Stat(engine.Program("own")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the program has mode %v, %v: want 0755", info.Mode(), err)
	}

	again := &recorder{}
	if _, err := c.ensure(t.Context(), packed, again); err != nil || again.last() != report.Unchanged {
		t.Errorf("the second time it ended as %q, %v: want %q", again.last(), err, report.Unchanged)
	}
}

func TestArchiveNeedsNoTools(t *testing.T) {
	packed := packPlain(t)
	t.Setenv("PATH", t.TempDir())
	c := plainCache(t)
	if err := c.check(t.Context(), packed); err != nil {
		t.Error(err)
	}
	if _, err := c.ensure(t.Context(), packed, report.Discard); err != nil {
		t.Error(err)
	}
}

func TestSameEngineMakesTheSameArchive(t *testing.T) {
	first, err := os.ReadFile(packPlain(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(packPlain(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the archives differ")
	}
}

func TestDamagedEngineIsNotPacked(t *testing.T) {
	engine := plainEngine(t, plainCache(t))
	if err := os.WriteFile(engine.Program("own"), []byte("0wn"), 0o755); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "archive")
	if err := Pack(t.Context(), engine, to); err == nil || !strings.Contains(err.Error(), "bin/own") {
		t.Errorf("got %v: want an error about bin/own", err)
	}
	if left, err := os.ReadDir(filepath.Dir(to)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestUnpackingCanBeCancelled(t *testing.T) {
	packed := packPlain(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := plainCache(t).ensure(ctx, packed, &recorder{on: func(e report.Event) {
		if e.State == report.Waiting {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v: want it cancelled", err)
	}
}

func TestWrongArchivesAreRefused(t *testing.T) {
	c := plainCache(t)
	good, err := os.ReadFile(packPlain(t))
	if err != nil {
		t.Fatal(err)
	}
	own := plainFiles()["bin/own"]
	manifest := func(change func(*Manifest)) entry {
		m := plainEngine(t, plainCache(t)).Manifest
		change(&m)
		data, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		return entry{Header: tar.Header{Name: manifestName}, content: string(data)}
	}
	as := manifest(func(*Manifest) {})
	onPlan9, onPDP11 := manifest(func(m *Manifest) { m.OS = "plan9" }), manifest(func(m *Manifest) { m.Arch = "pdp11" })
	file := func(name, content string) entry { return entry{Header: tar.Header{Name: name}, content: content} }
	program, text := file("bin/own", own), file("share/text", plainFiles()["share/text"])
	renamed := func(path string) entry {
		return manifest(func(m *Manifest) { m.Programs[0].Path = path })
	}

	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                 {nil, errDamaged.Error()},
		"text":                  {[]byte("not an archive, but long enough to look into\n"), errDamaged.Error()},
		"gzip":                  {[]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x00\x00\xff\xff"), errDamaged.Error()},
		"a zstd file of text":   {compress(t, []byte(strings.Repeat("text", 1000))), errDamaged.Error()},
		"cut short":             {good[:len(good)-20], errDamaged.Error()},
		"cut short early":       {good[:len(good)/2], errDamaged.Error()},
		"damaged":               {flip(good, len(good)*2/3), errDamaged.Error()},
		"without a manifest":    {tarOf(t, program, text), "its first entry is"},
		"a manifest of words":   {tarOf(t, file(manifestName, "words")), "reading its manifest"},
		"for another system":    {tarOf(t, onPlan9), "it is for plan9/" + runtime.GOARCH},
		"for another processor": {tarOf(t, onPDP11), "it is for " + runtime.GOOS + "/pdp11"},
		"a wrong hash":          {tarOf(t, manifest(func(m *Manifest) { m.Hash = "../../x" })), "not that of its inputs"},
		"of another version": {tarOf(t, manifest(func(m *Manifest) {
			m.Inputs, m.Hash = "other", hashWith("other", m.Go)
			m.Programs[0].Version = "v0.0.1"
		})), "own v0.0.1 instead of " + smallVersion},
		"another checksum":      {tarOf(t, as, file("bin/own", "0"+own[1:]), text), "bin/own: it is not what the"},
		"a longer file":         {tarOf(t, as, file("bin/own", own+"more"), text), "bin/own: it is not what the"},
		"a missing file":        {tarOf(t, as, program), "share/text is missing"},
		"a file twice":          {tarOf(t, as, program, program, text), "comes twice"},
		"a file too many":       {tarOf(t, as, program, text, file("bin/more", "")), `the entry "bin/more"`},
		"a path upwards":        {tarOf(t, as, file("../evil", "")), `the entry "../evil"`},
		"an absolute path":      {tarOf(t, as, file("/tmp/evil", "")), `the entry "/tmp/evil"`},
		"a symbolic link":       {tarOf(t, as, link("bin/own", "/bin/sh", tar.TypeSymlink)), `the entry "bin/own"`},
		"a hard link":           {tarOf(t, as, link("bin/own", "/bin/sh", tar.TypeLink)), `the entry "bin/own"`},
		"a folder that is link": {tarOf(t, as, link("share", "/tmp", tar.TypeSymlink)), `the entry "share"`},
		"a device":              {tarOf(t, as, link("bin/own", "", tar.TypeChar)), `the entry "bin/own"`},
		"a listed path upwards": {tarOf(t, renamed("bin/../../evil")), `the file "bin/../../evil"`},
		"a listed outsider":     {tarOf(t, renamed("etc/passwd")), `the file "etc/passwd"`},
		"a listed absolute":     {tarOf(t, renamed("/bin/own")), `the file "/bin/own"`},
		"listed twice":          {tarOf(t, renamed("share/text")), `the file "share/text" twice`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "archive")
			if err := os.WriteFile(path, tc.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := c.ensure(t.Context(), path, report.Discard)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v: want %q", err, tc.want)
			}
			if found := c.list(); len(found) > 0 {
				t.Errorf("in the cache: %+v", found)
			}
			if left, err := filepath.Glob(filepath.Join(c.dir, tempPrefix+"*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %q, %v", left, err)
			}
		})
	}
	for _, path := range []string{"/tmp/evil", filepath.Join(c.dir, "evil"), filepath.Join(c.dir, "..", "evil")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was written", path)
		}
	}
}

func TestArchiveThatIsNotThereIsRefused(t *testing.T) {
	c := plainCache(t)
	for _, path := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		var unmet *UnmetError
		_, err := c.ensure(t.Context(), path, report.Discard)
		if !errors.As(err, &unmet) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v: want an UnmetError about %s", err, path)
		}
		if err := c.check(t.Context(), path); !errors.As(err, &unmet) {
			t.Errorf("got %v: want an UnmetError about %s", err, path)
		}
	}
}

// The plain engine is one that nobody has built: two files and a manifest.
func plainFiles() map[string]string {
	return map[string]string{"bin/own": "own", "share/text": strings.Repeat("text ", 1000)}
}

func plainCache(t *testing.T) *cache {
	t.Helper()
	return cacheFor(t, t.TempDir(), recipe{sources: packSources(t, smallFiles()), modules: []nestedModule{{
		dir:     "small",
		targets: []target{{name: "own", module: smallModule, pkg: "./own"}},
	}}})
}

// plainEngine makes the plain engine somewhere outside of the cache.
func plainEngine(t *testing.T, c *cache) *Engine {
	t.Helper()
	dir := t.TempDir()
	writeTree(t, dir, plainFiles())
	const goVersion = "go1.26.0"
	m := Manifest{
		Hash: hashWith(c.inputs, goVersion), Inputs: c.inputs, Go: goVersion, OS: runtime.GOOS, Arch: runtime.GOARCH,
		Programs: []BuiltProgram{{
			Program: Program{Name: "own", Component: "own", Module: smallModule, Version: smallVersion},
			File:    File{Path: "bin/own"},
		}},
		Files: []File{{Path: "share/text"}},
	}
	if err := m.measure(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := writeManifest(dir, m); err != nil {
		t.Fatal(err)
	}
	return &Engine{Dir: dir, Manifest: m}
}

// packPlain packs the plain engine and returns the archive's path.
func packPlain(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "archive")
	if err := Pack(t.Context(), plainEngine(t, plainCache(t)), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// entry is one of a tar file.
type entry struct {
	tar.Header
	content string
}

func link(name, to string, kind byte) entry {
	return entry{Header: tar.Header{Name: name, Linkname: to, Typeflag: kind}}
}

// tarOf makes a compressed tar file.
func tarOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for _, e := range entries {
		if e.Mode = 0o777; e.Typeflag == 0 {
			e.Typeflag, e.Size = tar.TypeReg, int64(len(e.content))
		}
		if err := archive.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return compress(t, packed.Bytes())
}

func compress(t *testing.T, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	compressor, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := compressor.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := compressor.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// flip changes a byte.
func flip(data []byte, at int) []byte {
	data = slices.Clone(data)
	data[at] ^= 0xff
	return data
}
