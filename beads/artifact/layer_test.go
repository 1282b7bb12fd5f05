package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"
)

// The digest is in locks: it must be this one with every version of Go and of backstack.
func TestDigestNeverChanges(t *testing.T) {
	const want = "sha256:b68e87ef89780f9ee401c090dd7f178ae5edacc998b8eff90979a4653781c86a"
	got, err := Digest(example())
	if err != nil || got != want {
		t.Errorf("digest %s, error %v, want %s", got, err, want)
	}
}

func TestDigestIsThatOfThePackedLayer(t *testing.T) {
	p := packed(t)
	if got, err := Digest(example()); err != nil || got != p.LayerDigest() {
		t.Errorf("digest %s, error %v, want %s", got, err, p.LayerDigest())
	}
}

func TestDigestDiffersWithNameAndContent(t *testing.T) {
	seen := make(map[string]bool)
	for _, files := range []map[string][]byte{
		{"a": []byte("1")}, {"a": []byte("2")}, {"b": []byte("1")}, {"a": []byte("1"), "b": nil}, {"a/b": []byte("1")},
	} {
		digest, err := Digest(files)
		if err != nil || seen[digest] {
			t.Errorf("digest of %v is %s, error %v, want one of its own", files, digest, err)
		}
		seen[digest] = true
	}
}

func TestUnpackReturnsWhatWasPacked(t *testing.T) {
	files, err := Unpack(packed(t).layer.content)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, files, example())
}

func TestUnpackReadsWhatOtherToolsPacked(t *testing.T) {
	folder := tar.Header{Typeflag: tar.TypeDir, Name: "composites/", Mode: 0o755}
	made := archive{headers: []tar.Header{folder, entry("composites/a.yaml"), entry("bead.yaml")}, content: []byte("x")}
	files, err := Unpack(made.layer(t))
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, files, map[string][]byte{"composites/a.yaml": []byte("x"), "bead.yaml": []byte("x")})
}

func TestPackedLayerSaysNothingOfTheMachine(t *testing.T) {
	compressed, err := gzip.NewReader(bytes.NewReader(packed(t).layer.content))
	if err != nil {
		t.Fatal(err)
	}
	if compressed.OS != 255 || !compressed.ModTime.IsZero() || compressed.Name != "" {
		t.Errorf("gzip header %+v, want one without time, system and name", compressed.Header)
	}
	var names []string
	for r := tar.NewReader(compressed); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		names = append(names, h.Name)
		if h.Mode != 0o644 || h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.ModTime.Unix() != 0 ||
			h.Typeflag != tar.TypeReg {
			t.Errorf("header %+v, want a file of mode 0644 of nobody and no time", h)
		}
	}
	if len(names) != len(example()) || !slices.IsSorted(names) {
		t.Errorf("names %q, want all in order", names)
	}
}

func TestUnpackRefusesEntries(t *testing.T) {
	typed := func(flag byte) []tar.Header {
		return []tar.Header{{Typeflag: flag, Name: "composites/x.yaml", Linkname: "/etc/passwd"}}
	}
	cases := []struct {
		name    string
		entries []tar.Header
		size    int
		message []string
	}{
		{name: "above the folder", entries: []tar.Header{entry("../x.yaml")}, message: []string{`"../x.yaml"`, "leads out"}},
		{name: "above, on the way", entries: []tar.Header{entry("a/../../x")}, message: []string{`"a/../../x"`, "leads out"}},
		{name: "absolute", entries: []tar.Header{entry("/etc/passwd")}, message: []string{`"/etc/passwd"`, "absolute"}},
		{name: "not plain", entries: []tar.Header{entry("./bead.yaml")}, message: []string{`"./bead.yaml"`, "no plain path"}},
		{name: "empty part", entries: []tar.Header{entry("a//b")}, message: []string{`"a//b"`, "no plain path"}},
		{name: "the folder itself", entries: []tar.Header{entry(".")}, message: []string{`"."`, "no plain path"}},
		{name: "no name", entries: []tar.Header{entry("")}, message: []string{`""`, "no name"}},
		{name: "long name", entries: []tar.Header{entry(strings.Repeat("a", 256))},
			message: []string{"256 bytes", "at most 255"}},
		{name: "not UTF-8", entries: []tar.Header{entry("a\xff.yaml")}, message: []string{`"a\xff.yaml"`, "not UTF-8"}},
		{name: "backslash", entries: []tar.Header{entry(`..\x.yaml`)}, message: []string{"backslash"}},
		{name: "control character", entries: []tar.Header{entry("a\x1b[2J.yaml")},
			message: []string{`"a\x1b[2J.yaml"`, "cannot be seen"}},
		{name: "turned text", entries: []tar.Header{entry("a\u202elmay")},
			message: []string{`"a\u202elmay"`, "cannot be seen"}},
		{name: "Git's folder", entries: []tar.Header{entry("x/.GIT/config")}, message: []string{`"x/.GIT/config"`, ".git"}},
		{name: "folder above", entries: []tar.Header{{Typeflag: tar.TypeDir, Name: "../x/"}},
			message: []string{`"../x/"`, "leads out"}},
		{name: "symbolic link", entries: typed(tar.TypeSymlink),
			message: []string{`"composites/x.yaml"`, `symbolic link to "/etc/passwd"`}},
		{name: "hard link", entries: typed(tar.TypeLink),
			message: []string{`"composites/x.yaml"`, `hard link to "/etc/passwd"`}},
		{name: "character device", entries: typed(tar.TypeChar), message: []string{`"composites/x.yaml"`, "a device"}},
		{name: "block device", entries: typed(tar.TypeBlock), message: []string{`"composites/x.yaml"`, "a device"}},
		{name: "named pipe", entries: typed(tar.TypeFifo), message: []string{`"composites/x.yaml"`, "named pipe"}},
		{name: "unknown type", entries: typed('9'), message: []string{`"composites/x.yaml"`, `type '9'`}},
		{name: "twice", entries: []tar.Header{entry("a"), entry("a")}, message: []string{`"a" is there twice`}},
		{name: "file, then folder", entries: []tar.Header{entry("a"), entry("a/b")}, message: []string{`"a/b" lies below a`}},
		{name: "folder, then file", entries: []tar.Header{entry("a/b"), entry("a")},
			message: []string{`"a" is a file and a folder`}},
		{name: "file and empty folder", entries: []tar.Header{entry("a"), {Typeflag: tar.TypeDir, Name: "a/"}},
			message: []string{`"a/" is a file and a folder`}},
		{name: "large file", entries: []tar.Header{entry("a")}, size: MaxFile + 1,
			message: []string{`"a" has 1048577 bytes`, "at most 1048576"}},
		{name: "large together", entries: entries(17), size: MaxFile, message: []string{"16777216 bytes", "not programs"}},
		{name: "many files", entries: entries(MaxFiles + 1),
			message: []string{`"f02000" is one file too many`, "at most 2000"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			layer := archive{headers: tc.entries, content: make([]byte, tc.size)}.layer(t)
			files, err := Unpack(layer)
			wantError(t, err, append(tc.message, "unpacking the Bead's files: entry ")...)
			if files != nil {
				t.Errorf("files %v beside the error, want none", sorted(files))
			}
		})
	}
}

func entries(n int) []tar.Header {
	var headers []tar.Header
	for _, name := range sorted(many(n)) {
		headers = append(headers, entry(name))
	}
	return headers
}

func TestUnpackTakesTheMostThatIsAllowed(t *testing.T) {
	files := many(MaxFiles)
	for i, name := range sorted(files) {
		if i < MaxTotal/MaxFile {
			files[name] = make([]byte, MaxFile)
		}
	}
	layer, err := packLayer(files)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := Unpack(layer)
	if err != nil {
		t.Fatal(err)
	}
	wantFiles(t, unpacked, files)
}

func TestUnpackRefusesArchives(t *testing.T) {
	good := archive{headers: []tar.Header{entry("a")}, content: []byte("x")}.layer(t)
	damaged := bytes.Clone(good)
	damaged[len(damaged)-5] ^= 1 // in the checksum
	headersAlone := make([]tar.Header, 0, MaxFiles+1)
	for range cap(headersAlone) {
		headersAlone = append(headersAlone, tar.Header{Typeflag: tar.TypeDir, Name: "a/"})
	}
	cases := []struct {
		name    string
		layer   []byte
		message string
	}{
		{"no gzip", []byte("bead.yaml: this is no archive"), "not gzip"},
		{"nothing", nil, "not gzip"},
		{"no tar", compress(t, bytes.Repeat([]byte("x"), 2000)), "invalid tar header"},
		{"cut off", good[:len(good)/2], "unexpected EOF"},
		{"damaged", damaged, "invalid checksum"},
		{"data after gzip", append(bytes.Clone(good), "more"...), "4 bytes after the end"},
		{"a second gzip", append(bytes.Clone(good), good...), "bytes after the end"},
		{"data after tar", compress(t, append(make([]byte, 1024), "more"...)), "data after the end"},
		{"bomb of zeros", compress(t, make([]byte, MaxLayer+1)), "more than 24969216 bytes"},
		{"bomb of headers", archive{headers: headersAlone}.layer(t), `"a/" is one folder too many, want at most 2000`},
		{"too large packed", make([]byte, MaxLayer+1), "has 24969217 bytes: want at most 24969216"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			files, err := Unpack(tc.layer)
			wantError(t, err, "unpacking the Bead's files: ", tc.message)
			if files != nil {
				t.Errorf("files %v beside the error, want none", sorted(files))
			}
		})
	}
}

func TestPackRefusesWhatUnpackWould(t *testing.T) {
	_, err := Digest(map[string][]byte{"../x": nil, "a": nil, "a/b": nil, "b": make([]byte, MaxFile+1), "ok": nil})
	wantError(t, err, `"../x" leads out`, `"a/b" lies below a`, `"b" has 1048577 bytes`)
	_, err = Pack(many(MaxFiles+10), about())
	wantError(t, err, "one file too many")
	if strings.Count(err.Error(), "too many") != 1 {
		t.Errorf("error %q, want the count said once", err)
	}
	_, err = Pack(nil, about())
	wantError(t, err, "there are no files")
	_, err = Pack(example(), About{Name: "gke"})
	wantError(t, err, "version")
}
