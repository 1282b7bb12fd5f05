package kinds

import (
	"strconv"
	"strings"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// FieldPath writes a path of the API machinery (spec.a[0].b[key]) as strictyaml writes them.
func FieldPath(text string) string {
	path := ""
	for text != "" {
		if inside, ok := strings.CutPrefix(text, "["); ok {
			step, rest, _ := strings.Cut(inside, "]")
			if index, err := strconv.Atoi(step); err == nil {
				path = strictyaml.Index(path, index)
			} else {
				path = strictyaml.Key(path, strings.Trim(step, `"'`))
			}
			text = strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(text, ".[")
		if end < 0 {
			end = len(text)
		}
		if name := text[:end]; name != "" && name != "<nil>" {
			path = strictyaml.Key(path, name)
		}
		text = strings.TrimPrefix(text[end:], ".")
	}
	return path
}
