package lint

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/back-stack/backstack/beads/lint/kinds"
	"github.com/back-stack/backstack/internal/strictyaml"
)

// filled is a composed object's base with something in the place of whatever a patch writes. It tells what is missing
// even when all patches have been made.
type filled struct {
	object map[string]any
	paths  []string // what patches write
}

func deepCopy(object map[string]any) map[string]any {
	if object == nil {
		return map[string]any{}
	}
	return runtime.DeepCopyJSON(object)
}

// write takes note that a patch writes a field, whose kind is not known if field is the zero value.
func (f *filled) write(path kinds.Path, field kinds.Field) {
	kinds.Set(f.object, path, field.Sample())
	f.paths = append(f.paths, path.String())
}

// patched says whether a fault is of what is only known when the patches are made: of a value that one writes, or of a
// rule about fields of which one writes some. A rule that a parameter must be given is about the field that it names.
func (f *filled) patched(fault kinds.Fault) bool {
	for _, path := range f.paths {
		if strictyaml.Within(fault.Path, path) {
			return true
		}
		if fault.Rule && strictyaml.Within(path, fault.Path) && !strings.Contains(fault.Message, "is a required parameter") {
			return true
		}
	}
	return false
}
