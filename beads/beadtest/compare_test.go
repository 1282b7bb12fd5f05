package beadtest

import (
	"slices"
	"testing"
)

func TestDifferencesNameFieldsThatAreNotAsWanted(t *testing.T) {
	actual := map[string]any{
		"spec": map[string]any{
			"count": int64(3), "ratio": 0.5, "name": "a", "more": true, "requests.cpu": "10",
			"items": []any{map[string]any{"name": "x", "port": int64(80)}, map[string]any{"name": "y"}},
		},
	}
	for name, test := range map[string]struct {
		want map[string]any
		all  []string
	}{
		"what is there in other numbers' types": {
			map[string]any{"spec": map[string]any{"count": float64(3), "ratio": 0.5, "requests.cpu": "10"}}, nil,
		},
		"fields of items": {
			map[string]any{"spec": map[string]any{"items": []any{map[string]any{"name": "x"}, map[string]any{"name": "z"}}}},
			[]string{`spec.items[1].name: want "z", got "y"`},
		},
		"a list of another length": {
			map[string]any{"spec": map[string]any{"items": []any{map[string]any{"name": "x"}}}},
			[]string{`spec.items: want [{"name":"x"}], got [{"name":"x","port":80},{"name":"y"}]`},
		},
		"several at once, in the order of their names": {
			map[string]any{"spec": map[string]any{"name": "b", "count": int64(4), "missing": map[string]any{"a": "b"}}},
			[]string{
				`spec.count: want 4, got 3`, `spec.missing: want {"a":"b"}, and there is none`, `spec.name: want "b", got "a"`,
			},
		},
		"another type": {
			map[string]any{"spec": map[string]any{"count": "3", "more": map[string]any{"a": true}}},
			[]string{`spec.count: want "3", got 3`, `spec.more: want {"a":true}, got true`},
		},
		"a name with a dot": {
			map[string]any{"spec": map[string]any{"requests.cpu": "20"}}, []string{`spec["requests.cpu"]: want "20", got "10"`},
		},
	} {
		if got := differences("", test.want, actual); !slices.Equal(got, test.all) {
			t.Errorf("%s: the differences are %q: want %q", name, got, test.all)
		}
	}
}
