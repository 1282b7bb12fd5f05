package strictyaml

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// common is embedded in robot, so that its fields are robot's.
type common struct {
	Name  string `json:"name"`
	Count int8   `json:"count,omitempty"`
}

// shout is a type that takes any scalar as text.
type shout string

func (s *shout) UnmarshalText(text []byte) error {
	if strings.Contains(string(text), "?") {
		return errors.New("want no question")
	}
	*s = shout(strings.ToUpper(string(text)))
	return nil
}

type mood string

type part struct {
	Version string `json:"version,omitempty"`
	Enabled *bool  `json:"enabled,omitempty"`
}

// robot has a field of every type that can be read.
type robot struct {
	common
	Mood    mood            `json:"mood,omitempty"`
	On      bool            `json:"on,omitempty"`
	Serial  int64           `json:"serial,omitempty"`
	Timeout time.Duration   `json:"timeout,omitempty"`
	Cry     shout           `json:"cry,omitempty"`
	Tags    []string        `json:"tags,omitempty"`
	Parts   map[string]part `json:"parts,omitempty"`
	Spare   *part           `json:"spare,omitempty"`
	Values  map[string]any  `json:"values,omitempty"`
	Any     any             `json:"any,omitempty"`
	Hidden  string          `json:"-"`
}

func TestDecodeReadsEveryType(t *testing.T) {
	const text = `
name: hal
count: -3
mood: calm
on: true
serial: 9000
timeout: 1h30m
cry: 1.20
tags: [a, 2026-01-02, "3"]
parts:
  arm: {version: 1.2.3, enabled: false}
  leg:
spare:
  enabled: true
values:
  int: 7
  float: 1.0
  text: on the table
  flag: true
  nothing:
  list: [1, {x: why}]
  8080: port
any: [x]
`
	no, yes := false, true
	want := robot{
		common: common{Name: "hal", Count: -3}, Mood: "calm", On: true, Serial: 9000, Timeout: 90 * time.Minute,
		Cry: "1.20", Tags: []string{"a", "2026-01-02", "3"},
		Parts: map[string]part{"arm": {Version: "1.2.3", Enabled: &no}, "leg": {}},
		Spare: &part{Enabled: &yes},
		Values: map[string]any{"int": int64(7), "float": 1.0, "text": "on the table", "flag": true, "nothing": nil,
			"list": []any{int64(1), map[string]any{"x": "why"}}, "8080": "port"},
		Any: []any{"x"},
	}
	var got robot
	if _, err := Decode([]byte(text), "robot.yaml", &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("decoded\n%+v, want\n%+v", got, want)
	}
}

func TestDecodeTakesNullAsNotGiven(t *testing.T) {
	var got robot
	_, err := Decode([]byte("name:\ncount: ~\non: null\ntags:\nparts:\nspare:\nvalues:\nany:\ntimeout:\ncry:\n"), "f",
		&got)
	if err != nil || !reflect.DeepEqual(got, robot{}) {
		t.Errorf("decoded %+v, %v; want nothing", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"an unknown field near a known one", "nmae: x", `f:1: nmae: unknown field: did you mean name?`},
		{"an unknown field near none", "parts: {a: {colour: red}}",
			`f:1: parts.a.colour: unknown field: want one of version, enabled`},
		{"a field that has no name in YAML", "spare: {Enabled: true}",
			`f:1: spare.Enabled: unknown field: did you mean enabled?`},
		{"a hidden field", "hidden: x",
			`f:1: hidden: unknown field: want one of name, count, mood, on, serial, timeout, ` +
				`cry, tags, parts, spare, values, any`},
		{"a list for a string", "name: [x]", `f:1: name: want a string, found a list`},
		{"a mapping for a string", "name: {a: b}", `f:1: name: want a string, found a mapping`},
		{"a number for a string", "name: 8", `f:1: name: want a string in quotes, found the number 8`},
		{"a boolean for a string", "mood: true", `f:1: mood: want a string in quotes, found true`},
		{"a string for an integer", "count: many", `f:1: count: want an integer, found the string "many"`},
		{"a quoted integer", `count: "8"`, `f:1: count: want an integer without quotes, found the string "8"`},
		{"a fraction for an integer", "count: 1.5", `f:1: count: want an integer, found the number 1.5`},
		{"an integer that is too large", "count: 128",
			`f:1: count: want a decimal integer from -128 to 127, found the number 128`},
		{"an integer beyond 64 bits", "serial: 9223372036854775808",
			`f:1: serial: want a decimal integer from -9223372036854775808 to 9223372036854775807, ` +
				`found the number 9223372036854775808`},
		{"an octal integer", "count: 010", `f:1: count: want a decimal integer from -128 to 127, found the number 010`},
		{"a word for a boolean", "on: yes", `f:1: on: want true or false, found the string "yes"`},
		{"a quoted boolean", `on: "true"`, `f:1: on: want true or false, found the string "true"`},
		{"a number for a boolean", "on: 1", `f:1: on: want true or false, found the number 1`},
		{"a wrong type behind a pointer", "spare: {enabled: 1}",
			`f:1: spare.enabled: want true or false, found the number 1`},
		{"a number for a duration", "timeout: 90",
			`f:1: timeout: want a duration such as 90s, 10m or 1h30m, found the number 90`},
		{"a duration without a unit", `timeout: ten`,
			`f:1: timeout: want a duration such as 90s, 10m or 1h30m, found the string "ten"`},
		{"a mapping for a list", "tags: {a: b}", `f:1: tags: want a list, found a mapping`},
		{"a string for a list", "tags: a", `f:1: tags: want a list, found the string "a"`},
		{"nothing as an item", "tags: [a, ]\nname: x\nparts: {a: {version: [~]}}",
			`f:3: parts.a.version: want a string, found a list`},
		{"null as an item", "tags:\n- a\n-\n", `f:3: tags[1]: want a value, found nothing`},
		{"a wrong item", "tags:\n- a\n- {}\n", `f:3: tags[1]: want a string, found a mapping`},
		{"a list for a map", "parts: [a]", `f:1: parts: want a mapping, found a list`},
		{"a list for a struct", "spare: [a]",
			`f:1: spare: want a mapping with the fields version, enabled, found a list`},
		{"a string for free-form values", "values: x", `f:1: values: want a mapping, found the string "x"`},
		{"what its own type refuses", "cry: why?", `f:1: cry: want no question`},
		{"a mapping for text", "cry: {}", `f:1: cry: want a string, found a mapping`},
		{"a name that is given twice", "name: a\ncount: 1\nname: b",
			`f:3: name: is given twice: take out this or the one in line 1`},
		{"a name that is given twice in free-form values", "values:\n  a: {x: 1, x: 2}",
			`f:2: values.a.x: is given twice: take out this or the one in line 2`},
		{"a name that is given twice, once in quotes", "values:\n  1: a\n  \"1\": b",
			`f:3: values.1: is given twice: take out this or the one in line 2`},
		{"a list as a name", "? [a]\n: b\nname: x", `f:1: want the name of a field, found a list`},
		{"null as a name", "values:\n  ~: b", `f:2: values: want the name of a field, found nothing`},
		{"a tag of one's own", "any: !secret x",
			`f:1: any: want a value without the tag !secret, found the string "x"`},
		{"a binary value", "name: !!binary aGk=",
			`f:1: name: want a value without the tag !!binary, found the string "aGk="`},
		{"a tag that is not so", "any: !!int x",
			`f:1: any: want a value that is what its tag says, found the string "x"`},
		{"a mapping that is none", "any: !!map x", `f:1: any: want a value that is what its tag says, found the string "x"`},
		{"a string that is a list", "name: !!str [x]", `f:1: name: want a value that is what its tag says, found a list`},
		{"a merge key as a value", "any: <<", `f:1: any: want a value in quotes, found <<`},
		{"a word that is true to Helm", "values: {a: on}",
			`f:1: values.a: want true, false, or quotes around a word that some take for one of them, found the string "on"`},
		{"an infinite number", "any: .inf",
			`f:1: any: want a number that JSON and 64 bits can hold, or a string in quotes, found the number .inf`},
		{"an integer of 64 bits without a sign", "any: 18446744073709551615",
			`f:1: any: want a number that JSON and 64 bits can hold, or a string in quotes, ` +
				`found the number 18446744073709551615`},
		{"a merge of no mapping", "spare: &a {version: x}\nparts: {b: {<<: [*a, 3]}}",
			`f:2: parts.b.<<: want a mapping or a list of mappings, found the number 3`},
		{"a name with a dot", "parts: {a.b: {version: 1}}",
			`f:1: parts["a.b"].version: want a string in quotes, found the number 1`},
		{"a long string, shown in short", "count: " + strings.Repeat("x", 70),
			`f:1: count: want an integer, found the string "` + strings.Repeat("x", 60) + `…"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			document, err := Decode([]byte(c.text), "f", new(robot))
			if err == nil || err.Error() != c.want {
				t.Errorf("error\n%v, want\n%s", err, c.want)
			}
			if document == nil {
				t.Error("no document, though there is a mapping to go on with")
			}
		})
	}
}

func TestDecodeNamesAllFaultsAtOnce(t *testing.T) {
	const text = `mood: 1
name: hal
parts:
  arm:
    verison: x
  leg: 7
name: sal
tags:
  - ok
  - [1]
values: {a: 1, a: 2}
---
second: document
`
	want := Faults{
		{"robot.yaml", 1, 7, "mood", "want a string in quotes, found the number 1"},
		{"robot.yaml", 5, 5, "parts.arm.verison", "unknown field: did you mean version?"},
		{"robot.yaml", 6, 8, "parts.leg", "want a mapping with the fields version, enabled, found the number 7"},
		{"robot.yaml", 7, 1, "name", "is given twice: take out this or the one in line 2"},
		{"robot.yaml", 10, 5, "tags[1]", "want a string, found a list"},
		{"robot.yaml", 11, 16, "values.a", "is given twice: take out this or the one in line 11"},
		{"robot.yaml", 12, 1, "", "a second document begins here: want one document in a file"},
	}
	var got robot
	_, err := Decode([]byte(text), "robot.yaml", &got)
	var faults Faults
	if !errors.As(err, &faults) || !slices.Equal(faults, want) {
		t.Errorf("faults\n%v\nwant\n%v", err, want)
	}
	if got.Name != "hal" || got.Tags[0] != "ok" {
		t.Errorf("decoded %+v, want what is right in it all the same", got)
	}
}

func TestDecodeFollowsAliasesAndMergeKeys(t *testing.T) {
	const text = `
spare: &base {version: 1.0.0, enabled: true}
parts:
  arm: *base
  leg:
    version: 2.0.0
    <<: *base
  eye:
    <<: [{version: 3.0.0}, *base]
`
	var got robot
	document, err := Decode([]byte(text), "f", &got)
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := map[string]part{"arm": {"1.0.0", &yes}, "leg": {"2.0.0", &yes}, "eye": {"3.0.0", &yes}}
	if !reflect.DeepEqual(got.Parts, want) {
		t.Errorf("parts %+v, want %+v", got.Parts, want)
	}
	if line, column := document.Position("parts.leg.version"); line != 6 || column != 5 {
		t.Errorf("parts.leg.version stands at %d:%d, want its own place, 6:5", line, column)
	}
}

func TestDecodeSetsNoPointerToAWrongValue(t *testing.T) {
	var got robot
	if _, err := Decode([]byte("spare: {enabled: 1}\nparts: {arm: {enabled: x}}\n"), "f", &got); err == nil {
		t.Fatal("no error")
	}
	if got.Spare.Enabled != nil || got.Parts["arm"].Enabled != nil {
		t.Errorf("decoded %+v, want no value for enabled", got)
	}
}

func TestDecodeTakesNullInAFreeFormList(t *testing.T) {
	var got struct{ List []any }
	_, err := Decode([]byte("List: [~, 1]"), "f", &got)
	if err != nil || !reflect.DeepEqual(got.List, []any{nil, int64(1)}) {
		t.Errorf("decoded %v, %v", got.List, err)
	}
}

func TestDecodePanicsOnWhatCannotBeRead(t *testing.T) {
	for name, into := range map[string]any{"no pointer": robot{}, "no struct": new(string),
		"a channel": &struct{ C chan int }{}} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = Decode([]byte("C: 1"), "f", into)
		})
	}
}

func TestADocumentOfAnyFieldsIsDecodedIntoAMap(t *testing.T) {
	var into map[string]any
	document, err := Decode([]byte("a: {b: [1, x]}\nc: true\n"), "any.yaml", &into)
	want := map[string]any{"a": map[string]any{"b": []any{int64(1), "x"}}, "c": true}
	if err != nil || !reflect.DeepEqual(into, want) {
		t.Errorf("decoded %v (%v), want %v", into, err, want)
	}
	if line, column := document.Position("a.b[1]"); line != 1 || column != 12 {
		t.Errorf("a.b[1] is at %d:%d, want 1:12", line, column)
	}
	_, err = Decode([]byte("a: 1\na: 2\n"), "any.yaml", &into)
	if want := "any.yaml:2: a: is given twice: take out this or the one in line 1"; err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}
