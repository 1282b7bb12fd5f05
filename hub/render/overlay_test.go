package render

import (
	"strings"
	"testing"
)

func TestOverlay(t *testing.T) {
	for _, test := range []struct {
		name, base string
		values     map[string]any
		want       string
	}{
		{"nothing", "# What it is.\na: 1 # one\n", nil, "# What it is.\na: 1 # one\n"},
		{"a value", "# Before.\na: 1\nb: 2\n", map[string]any{"a": "x"}, "# Before.\na: x\nb: 2\n"},
		{"what a value must not become", "a: b\n", map[string]any{"a": "true"}, "a: \"true\"\n"},
		{"a nested value", "a:\n  # Inner.\n  b: 1\n  c: 2\n", map[string]any{"a": map[string]any{"b": int64(3)}},
			"a:\n  # Inner.\n  b: 3\n  c: 2\n"},
		{"a list replaces", "a: [1, 2]\n", map[string]any{"a": []any{int64(3)}}, "a:\n  - 3\n"},
		{"a mapping replaces a value", "a: 1\n", map[string]any{"a": map[string]any{"b": "c"}}, "a:\n  b: c\n"},
		{"a value replaces a mapping", "a:\n  b: c\n", map[string]any{"a": false}, "a: false\n"},
		{"null takes away", "a: 1\nb: 2\n", map[string]any{"a": nil}, "b: 2\n"},
		{"null takes nothing away", "a: 1\n", map[string]any{"b": nil}, "a: 1\n"},
		{"new keys", "b: 1\n", map[string]any{"c": int64(3), "a": int64(2)}, "b: 1\na: 2\nc: 3\n"},
		{"a key that could be something else", "b: 1\n", map[string]any{"true": "x"}, "b: 1\n\"true\": x\n"},
		{"into an empty mapping", "a: {}\n", map[string]any{"a": map[string]any{"b": "c"}}, "a:\n  b: c\n"},
		{"a value that looks like a key", "a: b\nb: 1\n", map[string]any{"b": int64(2)}, "a: b\nb: 2\n"},
		{"a text of lines", "a: 1\n", map[string]any{"a": "x\ny\n"}, "a: |\n  x\n  y\n"},
		{"paragraphs", "a: 1\n\n# Two\n# lines.\nb:\n  # Inner.\n  c: 1\n", map[string]any{"a": int64(2)},
			"a: 2\n\n# Two\n# lines.\nb:\n  # Inner.\n  c: 1\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := overlay([]byte(test.base), "", test.values)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("it is\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestLaterLayersLieOverEarlierOnes(t *testing.T) {
	got, err := overlay([]byte("a: 1\nb: 1\nc: 1\n"), "",
		map[string]any{"a": int64(2), "b": int64(2)}, map[string]any{"b": int64(3)})
	if want := "a: 2\nb: 3\nc: 1\n"; err != nil || string(got) != want {
		t.Errorf("it is\n%s (%v)\nwant\n%s", got, err, want)
	}
}

// What a chart within the chart has, only its authors' chart and Helm know.
func TestNullTakesAwayWhatAChartWithinTheChartHas(t *testing.T) {
	got, err := overlay([]byte("a: 1\n"), "inner",
		map[string]any{"inner": map[string]any{"limits": map[string]any{"cpu": nil}, "b": int64(1), "c": int64(1)}},
		map[string]any{"a": nil, "inner": map[string]any{"limits": map[string]any{"memory": nil}, "b": nil}, "outer": nil})
	want := "inner:\n  b: null\n  c: 1\n  limits:\n    cpu: null\n    memory: null\n"
	if err != nil || string(got) != want {
		t.Errorf("it is\n%s (%v)\nwant\n%s", got, err, want)
	}
	if got, err = overlay(got, "inner", map[string]any{"inner": nil}); err != nil || string(got) != "{}\n" {
		t.Errorf("it is\n%s (%v)\nwant nothing", got, err)
	}
}

func TestOverlayRefusesWhatIsNoMapping(t *testing.T) {
	for base, want := range map[string]string{
		"- a\n":   "what is below is no mapping",
		"a: [\n":  "yaml: line 1",
		"":        "what is below is no mapping",
		"# only ": "what is below is no mapping",
	} {
		if _, err := overlay([]byte(base), "", map[string]any{"a": "b"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error for %q is %v: want %q", base, err, want)
		}
	}
}
