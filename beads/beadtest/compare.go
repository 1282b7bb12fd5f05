package beadtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// differences says what of want is not in got, field by field. A mapping may have more fields than are wanted; a list
// has the items that are wanted, in their order, and no others. path is where the values stand; "" is the whole object.
func differences(path string, want, got any) []string {
	switch wanted := want.(type) {
	case map[string]any:
		found, ok := got.(map[string]any)
		if !ok {
			return []string{unlike(path, want, got)}
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(wanted)) {
			at := strictyaml.Key(path, name)
			value, there := found[name]
			if !there {
				all = append(all, fmt.Sprintf("%s: want %s, and there is none", at, show(wanted[name])))
				continue
			}
			all = append(all, differences(at, wanted[name], value)...)
		}
		return all
	case []any:
		found, ok := got.([]any)
		if !ok || len(found) != len(wanted) {
			return []string{unlike(path, want, got)}
		}
		var all []string
		for i := range wanted {
			all = append(all, differences(strictyaml.Index(path, i), wanted[i], found[i])...)
		}
		return all
	}
	if number(want) != number(got) {
		return []string{unlike(path, want, got)}
	}
	return nil
}

func unlike(path string, want, got any) string {
	return fmt.Sprintf("%s: want %s, got %s", path, show(want), show(got))
}

// number makes whole numbers of one type, whichever they were read as; other values stay as they are.
func number(value any) any {
	switch v := value.(type) {
	case int:
		return int64(v)
	case float64:
		if whole := int64(v); float64(whole) == v {
			return whole
		}
	}
	return value
}

// longest is how much of a value a message shows, in characters.
const longest = 200

// show writes a value as JSON does, cut short if it is long.
func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if letters := []rune(string(text)); len(letters) > longest {
		return string(letters[:longest]) + "…"
	}
	return string(text)
}
