package strictyaml

import (
	"reflect"
	"testing"
)

func TestStepsTakesApartWhatKeyAndIndexPutTogether(t *testing.T) {
	names := []string{"a", "a-b", "a.b", "", "a b", `a"b`, "a]b", `a\b`, "1", "é", "backstack.dev/hub", "a=b", "\n"}
	for _, outer := range names {
		for _, inner := range names {
			path := Index(Key(Index(Key(Key("", outer), "x"), 3), inner), 0)
			want := []step{{name: outer}, {name: "x"}, {index: 3, isIndex: true}, {name: inner}, {isIndex: true}}
			if got, err := steps(path); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s has the steps %v, %v, want %v", path, got, err, want)
			}
		}
	}
}

func TestStepsRefusesWhatIsNoPath(t *testing.T) {
	for _, path := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[-1]", `a["x]`, `a["x"`,
		"a[99999999999]",
		"a b", `a"`, "a]", "a[0]b]", "a[0]b", `["a"]b`, "a['x']", "a[`x`]"} {
		if got, err := steps(path); err == nil {
			t.Errorf("%q has the steps %v, want an error", path, got)
		}
	}
}

func TestWithin(t *testing.T) {
	cases := []struct {
		path, outer string
		want        bool
	}{
		{"a.b", "a", true}, {"a", "a", true}, {"a[0]", "a", true}, {"a", "", true}, {"ab", "a", false}, {"a", "a.b",
			false},
	}
	for _, c := range cases {
		if got := Within(c.path, c.outer); got != c.want {
			t.Errorf("Within(%q, %q) = %v, want %v", c.path, c.outer, got, c.want)
		}
	}
}
