package spec

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/back-stack/backstack/internal/strictyaml"
)

// Override is a value that a command's flag gives to one field of a hub. Make one with Set or Flag.
type Override struct {
	flag    string // what a fault names as its source
	path    string // the field
	value   string // YAML
	problem string // what makes it no override at all, or empty
}

// Set returns the override that the argument of a --set flag describes: PATH=VALUE. The path may leave out spec., as in
// policies.mode. The value is a YAML scalar, or a list or mapping in brackets; without one, the field has its default.
func Set(argument string) Override {
	path, value, found := cutAssignment(argument)
	if !found {
		problem := strictyaml.Quote(argument) + " has no value: want PATH=VALUE, such as policies.mode=Enforce"
		return Override{flag: "--set", problem: problem}
	}
	return Override{flag: "--set", path: fullPath(path), value: value}
}

// Flag returns the override that gives the field at path, such as metadata.name, the text of a flag, such as --name.
// The text is taken as it is, and not as YAML.
func Flag(flag, path, text string) Override {
	quoted, _ := json.Marshal(text) // a string in JSON is one in YAML; marshalling a string cannot fail
	return Override{flag: flag, path: path, value: string(quoted)}
}

// ApplySet lays the arguments of --set flags over the hub; see Set. The error is nil or, found with errors.As,
// strictyaml.Faults: everything that is wrong with the arguments, and with the values of the hub that they lead to.
// With an error the hub is as it was.
func ApplySet(h *Hub, arguments []string) error {
	overrides := make([]Override, len(arguments))
	for i, argument := range arguments {
		overrides[i] = Set(argument)
	}
	next := h.clone()
	c := checker{hub: next}
	c.override(overrides)
	c.check()
	if err := c.err(); err != nil {
		return err
	}
	*h = *next
	return nil
}

// apply lays the override over the hub and returns what is wrong with it as such; with faults, the hub is as it was.
func (o Override) apply(h *Hub) strictyaml.Faults {
	var faults strictyaml.Faults
	errors.As(strictyaml.Set(h, o.path, o.value, o.flag), &faults)
	return faults
}

// cutAssignment cuts an argument at its first = that is not within the quotes of a name.
func cutAssignment(argument string) (path, value string, found bool) {
	quoted := false
	for i := range len(argument) {
		switch argument[i] {
		case '"':
			quoted = !quoted
		case '=':
			if !quoted {
				return argument[:i], argument[i+1:], true
			}
		}
	}
	return argument, "", false
}

// fullPath puts spec. before a path that leaves it out, which is one that does not begin at the top. A misspelt path
// gets it too, unless it looks more like one from the top, so that the right path is proposed for it. There is a kind
// at the top and one within spec, but only within spec is there something beneath it.
func fullPath(path string) string {
	first := path
	if end := strings.IndexAny(path, ".["); end >= 0 {
		first = path[:end]
	}
	top, within := strictyaml.Fields(Hub{}), strictyaml.Fields(Spec{})
	if first == "kind" && first != path {
		return "spec." + path
	}
	meant, near := strictyaml.Nearest(first, append(within, top...))
	if first == "" || near && slices.Contains(top, meant) {
		return path
	}
	return "spec." + path
}
