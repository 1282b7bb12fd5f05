package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkName refuses a path that leads out of the Bead's folder, or that is not the same file on every machine.
func checkName(name string) error {
	elements := strings.Split(name, "/")
	switch {
	case name == "":
		return errors.New("has no name: want a path from the Bead's folder")
	case len(name) > MaxName:
		return fmt.Errorf("has a path of %d bytes: want at most %d", len(name), MaxName)
	case !utf8.ValidString(name):
		return errors.New("is not UTF-8: want a path in UTF-8")
	case strings.IndexFunc(name, hidden) >= 0:
		return errors.New("has a character that cannot be seen: want a path of printable characters")
	case strings.Contains(name, `\`):
		return errors.New(`has a backslash: want "/" between folders`)
	case strings.HasPrefix(name, "/"):
		return errors.New("is an absolute path: want one from the Bead's folder")
	case slices.Contains(elements, ".."):
		return errors.New("leads out of the Bead's folder: want no .. in a path")
	case !fs.ValidPath(name) || name == ".":
		return errors.New(`is no plain path: want one without "." and without an empty part`)
	case slices.ContainsFunc(elements, isGit):
		return errors.New("is Git's own: want no .git in a Bead")
	}
	return nil
}

// hidden says whether a character would not show where a path is printed: control characters, and those that turn the
// direction of text.
func hidden(r rune) bool { return !unicode.IsPrint(r) }

// isGit says whether Git refuses to hold an element of a path, on file systems that ignore case as well.
func isGit(element string) bool { return strings.EqualFold(element, ".git") }
