package strictyaml

import (
	"errors"
	"reflect"
	"testing"
)

// filled returns a robot with something of everything.
func filled() robot {
	yes := true
	return robot{
		common: common{Name: "hal"},
		Tags:   []string{"a", "b"},
		Parts:  map[string]part{"arm": {Version: "1.0.0", Enabled: &yes}},
		Spare:  &part{Version: "2.0.0"},
		Values: map[string]any{"x": map[string]any{"y": int64(1), "z": int64(2)}, "list": []any{"one"}, "n": int64(3)},
	}
}

func TestSet(t *testing.T) {
	no := false
	cases := []struct {
		name, path, text string
		want             func(*robot)
	}{
		{"a string", "name", "sal", func(r *robot) { r.Name = "sal" }},
		{"a string in quotes", "name", `"8"`, func(r *robot) { r.Name = "8" }},
		{"nothing, which takes a value away", "name", "", func(r *robot) { r.Name = "" }},
		{"null, which takes a value away", "spare", "null", func(r *robot) { r.Spare = nil }},
		{"an integer", "count", "3", func(r *robot) { r.Count = 3 }},
		{"a type that takes text", "cry", "1.20", func(r *robot) { r.Cry = "1.20" }},
		{"a field of a map's item", "parts.arm.enabled", "false", func(r *robot) {
			r.Parts["arm"] = part{Version: "1.0.0", Enabled: &no}
		}},
		{"a new item of a map", "parts.leg.version", "3.0.0",
			func(r *robot) { r.Parts["leg"] = part{Version: "3.0.0"} }},
		{"a field behind a pointer", "spare.enabled", "false", func(r *robot) {
			r.Spare = &part{Version: "2.0.0", Enabled: &no}
		}},
		{"a list", "tags", "[c]", func(r *robot) { r.Tags = []string{"c"} }},
		{"an item of a list", "tags[1]", "c", func(r *robot) { r.Tags[1] = "c" }},
		{"the next item of a list", "tags[2]", "c", func(r *robot) { r.Tags = []string{"a", "b", "c"} }},
		{"a free-form value beside another", "values.x.y", "true", func(r *robot) {
			r.Values["x"] = map[string]any{"y": true, "z": int64(2)}
		}},
		{"a free-form value in a new mapping", "values.a.b", "{c: 1}", func(r *robot) {
			r.Values["a"] = map[string]any{"b": map[string]any{"c": int64(1)}}
		}},
		{"a free-form mapping as a whole", "values.x", "{}", func(r *robot) { r.Values["x"] = map[string]any{} }},
		{"a free-form null", "values.x", "null", func(r *robot) { r.Values["x"] = nil }},
		{"an item of a free-form list", "values.list[0]", "two", func(r *robot) { r.Values["list"] = []any{"two"} }},
		{"the next item of a free-form list", "values.list[1].k", "v", func(r *robot) {
			r.Values["list"] = []any{"one", map[string]any{"k": "v"}}
		}},
		{"a new free-form list", "any[0][0]", "1", func(r *robot) { r.Any = []any{[]any{int64(1)}} }},
		{"a name with a dot", `values["a.b"]`, "1", func(r *robot) { r.Values["a.b"] = int64(1) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, want := filled(), filled()
			c.want(&want)
			if err := Set(&got, c.path, c.text, "--set"); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("set\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestSetRefusesAndChangesNothing(t *testing.T) {
	cases := []struct{ name, path, text, want string }{
		{"an unknown field near a known one", "nmae", "x", `--set: nmae: unknown field: did you mean name?`},
		{"an unknown field within", "spare.colour", "x",
			`--set: spare.colour: unknown field: want one of version, enabled`},
		{"an unknown field on the way", "sparr.enabled", "true", `--set: sparr: unknown field: did you mean spare?`},
		{"a wrong type", "count", "many", `--set: count: want an integer, found the string "many"`},
		{"a wrong type in a map's new item", "parts.leg.enabled", "1",
			`--set: parts.leg.enabled: want true or false, found the number 1`},
		{"a wrong type behind a pointer", "spare.enabled", "1",
			`--set: spare.enabled: want true or false, found the number 1`},
		{"a number for a string", "name", "8", `--set: name: want a string in quotes, found the number 8`},
		{"a mapping with an unknown field", "spare", "{verison: x}",
			`--set: spare.verison: unknown field: did you mean version?`},
		{"a field beneath a string", "name.first", "x", `--set: name.first: name is a string, not a mapping`},
		{"a field beneath a list", "tags.x", "x", `--set: tags.x: tags is a list, not a mapping`},
		{"an item of a mapping", "spare[0]", "x", `--set: spare[0]: spare is a mapping, not a list`},
		{"an item beyond the next", "tags[3]", "x", `--set: tags[3]: tags has 2 items: want an index from 0 to 2`},
		{"a free-form item beyond the next", "values.list[2]", "x",
			`--set: values.list[2]: values.list has 1 items: want an index from 0 to 1`},
		{"a field beneath a free-form number", "values.n.x", "x",
			`--set: values.n.x: values.n is a number, not a mapping`},
		{"an item of a free-form mapping", "values.x[0]", "x", `--set: values.x[0]: values.x is a mapping, not a list`},
		{"a name that is given twice", "values.x", "{a: 1, a: 2}",
			`--set: values.x.a: is given twice: take out this or the one in line 1`},
		{"a syntax error", "values.x", "[a",
			`--set: values.x: the list that [ begins here is not closed, or lacks a comma: ` +
				`want items with commas between, and ]`},
		{"an alias", "values.x", "*x", `--set: values.x: *x refers to an anchor that is not above it: ` +
			`put a value that begins with * in quotes`},
		{"a mapping without brackets", "values.x", "a: b",
			`--set: values.x: want a value in brackets or quotes, found a mapping without`},
		{"two documents", "values.x", "a\n---\nb",
			`--set: values.x: a second document begins here: want one document in a file`},
		{"a comment", "values.x", "# x", `--set: values.x: is empty, or holds comments alone`},
		{"no path", "", "x", `--set: a name is missing: want names with a dot between them, such as spec.provider`},
		{"a path that is none", "values[x]", "x",
			`--set: "[x]" begins with no index or name in quotes: want [0] or ["name"]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := filled()
			err := Set(&got, c.path, c.text, "--set")
			var faults Faults
			if !errors.As(err, &faults) || err.Error() != c.want {
				t.Errorf("error\n%v, want\n%s", err, c.want)
			}
			if want := filled(); !reflect.DeepEqual(got, want) {
				t.Errorf("became\n%+v, want\n%+v", got, want)
			}
		})
	}
}

func TestSetLeavesCopiesAlone(t *testing.T) {
	original := filled()
	copied := original
	for path, text := range map[string]string{
		"parts.arm.version": "9.0.0", "spare.version": "9.0.0", "tags[0]": "z", "values.x.y": "9",
		"values.list[0]": "z",
	} {
		if err := Set(&copied, path, text, "--set"); err != nil {
			t.Fatal(err)
		}
	}
	if want := filled(); !reflect.DeepEqual(original, want) {
		t.Errorf("the original became\n%+v, want\n%+v", original, want)
	}
}
