package strictyaml

import (
	"bytes"
	"reflect"
	"testing"
)

// FuzzDecode checks that no input makes Decode panic, that what is refused has a reason, and that what is taken can be
// written and read again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"name: hal\nparts: {arm: {version: 1.0.0, enabled: true}}\n", positions, "any: &a [*a]\n",
		"values: {<<: [{a: 1}, {b: 2}]}\n",
		"any:\n- |\n  a\n b\n- >-\n  c\n", "any: !!int '8'\n", "%YAML 1.2\n---\nany: 1\n...\n", "? a\n: b\n",
		"any: 'x\n", "\ufeffany: 0x10",
		"any: 1_0.5e3\n", "any: [~, .nan, 2026-01-02, \"\\u0085\"]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second robot
		if _, err := Decode(data, "f", &first); err != nil {
			if err.Error() == "" {
				t.Fatal("an error without a message")
			}
			return
		}
		text, err := Encode(first)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(text, "f", &second); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		again, err := Encode(second)
		if err != nil || !bytes.Equal(text, again) {
			t.Fatalf("encoded %v\n%s\nand then\n%s", err, text, again)
		}
		if !reflect.DeepEqual(compact(first), compact(second)) {
			t.Fatalf("decoded\n%#v\nand then\n%#v\nfrom\n%s", first, second, text)
		}
	})
}

// FuzzSet checks that no path and no text makes Set panic.
func FuzzSet(f *testing.F) {
	f.Add("parts.arm.version", "1.0.0")
	f.Add(`values["a.b"][0].c`, "[1, {x: y}]")
	f.Add("tags[2]", "x")
	f.Fuzz(func(t *testing.T, path, text string) {
		r := filled()
		_ = Set(&r, path, text, "--set")
	})
}

// FuzzText checks that any text can be written and read again.
func FuzzText(f *testing.F) {
	for _, seed := range words {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if checkText([]byte(text)) != nil || len(text) > MaxSize/100 {
			return
		}
		want := robot{common: common{Name: text}, Values: map[string]any{text: []any{text}}}
		data, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		var got robot
		if _, err := Decode(data, "f", &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("decoded %v\n%#v, want\n%#v\nfrom\n%s", err, got, want, data)
		}
	})
}

// compact returns r without the empty lists and mappings that omitempty leaves out.
func compact(r robot) robot {
	if len(r.Tags) == 0 {
		r.Tags = nil
	}
	if len(r.Parts) == 0 {
		r.Parts = nil
	}
	if len(r.Values) == 0 {
		r.Values = nil
	}
	return r
}
