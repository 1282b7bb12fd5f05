package strictyaml

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEncodeKeepsTheOrderOfTheStruct(t *testing.T) {
	no := false
	got, err := Encode(&robot{
		common: common{Name: "hal", Count: 3}, Mood: "true", Timeout: 10 * time.Minute,
		Tags: []string{"b", "a"}, Hidden: "x",
		Parts:  map[string]part{"leg": {}, "arm": {Version: "1.0", Enabled: &no}},
		Values: map[string]any{"z": 1.0, "a": []any{nil, "on", map[string]any{}}, "m": "two\nlines\n"},
	})
	want := `name: hal
count: 3
mood: "true"
timeout: 10m0s
tags:
  - b
  - a
parts:
  arm:
    version: "1.0"
    enabled: false
  leg: {}
values:
  a:
    - null
    - "on"
    - {}
  m: |
    two
    lines
  z: 1.0
`
	if err != nil || string(got) != want {
		t.Errorf("encoded, %v\n%s\nwant\n%s", err, got, want)
	}
}

func TestEncodeRefusesWhatItCannotWrite(t *testing.T) {
	cases := map[string]struct {
		value any
		want  string
	}{
		"a channel": {struct{ C []chan int }{make([]chan int, 1)}, "C: [0]: the type chan int is not supported"},
		"keys of numbers": {struct{ M map[int]int }{},
			"M: the type map[int]int is not supported: want keys that are strings"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := Encode(c.value); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// words is text that a careless writer of YAML would change.
var words = []string{
	"", " ", "a", "null", "~", "true", "yes", "on", "oN", "0", "0777", "1_000", "1.5", "1e3", ".inf", "-", "- a", "a: b",
	"a #b", "#", "&a", "*a", "!a", "@a", "`a`", "%a", "<<", "=", "2026-01-02", "12:30:45", "a\nb", "a\nb\n", "\na",
	"\n", " a\nb",
	"a \nb", "\ta\nb", "a\tb", "a\r\nb", "a\u0085b", "a\u2028b", "é", "\U0001f980", "a\\b", `"a"`, "'a'", "{", "[",
	"a,b", "|", ">",
	"---", "...", "? a", "a:", ":a", strings.Repeat("word ", 50), "\n\n a", "a\n\n\n", "\ufeffa",
}

func TestDecodeReadsWhatEncodeWrites(t *testing.T) {
	values := map[string]any{
		"float": 1.0, "large": 1e21, "small": 5e-324, "minus": math.Copysign(0, -1), "int": int64(math.MinInt64),
		"nil":  nil,
		"list": []any{}, "map": map[string]any{}, "nested": []any{[]any{map[string]any{"a": []any{int64(1)}}}},
	}
	for _, word := range words {
		values["k"+word] = word
		values[word] = map[string]any{word: word}
	}
	want := robot{Values: values, Tags: words, Cry: "X", Timeout: 3 * time.Nanosecond}
	text, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	var got robot
	if _, err := Decode(text, "f", &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%#v, want\n%#v\nfrom\n%s", got, want, text)
	}
}
