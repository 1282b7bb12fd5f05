package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
)

// Key returns the path of the field called name beneath path. A name that would be mistaken for more than one step is
// written in brackets and quotes: metadata.labels["backstack.dev/hub"].
func Key(path, name string) string {
	switch {
	case name == "" || strings.ContainsAny(name, ".[]=\"\\ ") || strconv.Quote(name) != `"`+name+`"`:
		return path + "[" + strconv.Quote(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// Index returns the path of the item with the index i, counted from 0, of the list at path.
func Index(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}

// Within reports whether path is outer or lies beneath it.
func Within(path, outer string) bool {
	rest, found := strings.CutPrefix(path, outer)
	return found && (outer == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// parent returns the path around path; that of a path without a parent is empty. What it cuts off may be a part of a
// quoted name, in which case the result is the path of nothing.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// step is one step of a path: into the field called name, or, if isIndex, to the item of a list.
type step struct {
	name    string
	index   int
	isIndex bool
}

// steps takes a path apart, as Key and Index put it together.
func steps(path string) ([]step, error) {
	var found []step
	for rest := path; rest != "" || len(found) == 0; {
		var next step
		var err error
		switch {
		case strings.HasPrefix(rest, "["):
			next, rest, err = bracketStep(rest)
		case len(found) == 0:
			next, rest, err = plainStep(rest)
		case strings.HasPrefix(rest, "."):
			next, rest, err = plainStep(rest[1:])
		default:
			err = fmt.Errorf("want a dot before %s", Quote(rest))
		}
		if err != nil {
			return nil, err
		}
		found = append(found, next)
	}
	return found, nil
}

// plainStep takes the name off the beginning of path.
func plainStep(path string) (step, string, error) {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	name, rest := path[:end], path[end:]
	if name == "" || rest == "." {
		return step{}, "", fmt.Errorf("a name is missing: want names with a dot between them, such as spec.provider")
	}
	if strings.ContainsAny(name, "]\" ") {
		return step{}, "", fmt.Errorf("%s is not a name: put one with such letters in brackets and quotes", Quote(name))
	}
	return step{name: name}, rest, nil
}

// bracketStep takes [3] or ["name"] off the beginning of path.
func bracketStep(path string) (step, string, error) {
	if quoted, err := strconv.QuotedPrefix(path[1:]); err == nil {
		name, err := strconv.Unquote(quoted)
		rest, closed := strings.CutPrefix(path[1+len(quoted):], "]")
		if err == nil && closed && quoted[0] == '"' {
			return step{name: name}, rest, nil
		}
	}
	inside, rest, _ := strings.Cut(path[1:], "]")
	if index, err := strconv.ParseUint(inside, 10, 31); err == nil {
		return step{index: int(index), isIndex: true}, rest, nil
	}
	return step{}, "", fmt.Errorf(`%s begins with no index or name in quotes: want [0] or ["name"]`, Quote(path))
}
