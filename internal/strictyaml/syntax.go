package strictyaml

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// syntaxFault makes the YAML library's error for data readable. The library leaves out a line it believes to be the
// first, and counts lines from 0 in some messages and from 1 in others. A comment put before data brings the line back;
// which of the two it counts from depends on the message.
func syntaxFault(data []byte, err error) Fault {
	shifted := append([]byte("#\n"), data...)
	line, problem := splitError(syntaxError(shifted))
	if problem == "" {
		line, problem = splitError(err)
	} else if !countsFromZero(problem) {
		line--
	}
	switch {
	case problem == "did not find expected key", problem == "did not find expected '-' indicator",
		strings.HasPrefix(problem, "unknown anchor"):
		// The line is that where the mapping or list begins, or none at all.
		line = firstLineWith(data, problem)
	case strings.Contains(problem, "tab character"), problem == "found character that cannot start any token":
		if tab := tabIndent(data, line); tab > 0 {
			return Fault{Line: tab, Message: "a tab indents this line: YAML takes spaces alone"}
		}
	}
	last := 1 + bytes.Count(bytes.TrimRight(data, " \r\n"), []byte("\n")) // what is missing at the end is missing there
	return Fault{Line: max(min(line, last), 0), Message: explain(problem)}
}

// syntaxError returns the first syntax error in data, in whichever document it is.
func syntaxError(data []byte) error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		if err := decoder.Decode(new(yaml.Node)); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// splitError takes the library's message apart: yaml: line 3: did not find expected key. The line is 0 if there is
// none.
func splitError(err error) (line int, problem string) {
	if err == nil {
		return 0, ""
	}
	problem = strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, found := strings.CutPrefix(problem, "line "); found {
		number, message, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			return n, message
		}
	}
	return 0, problem
}

// countsFromZero reports whether the line before problem is counted from 0: it is in what the library's parser says, as
// against its scanner.
func countsFromZero(problem string) bool {
	switch problem {
	case "did not find expected <document start>", "did not find expected node content",
		"did not find expected '-' indicator", "did not find expected key", "did not find expected ',' or ']'",
		"did not find expected ',' or '}'", "found undefined tag handle", "found duplicate %YAML directive",
		"found incompatible YAML document", "found duplicate %TAG directive":
		return true
	}
	return false
}

// firstLineWith returns the line, counted from 1, with which the problem comes into data.
func firstLineWith(data []byte, problem string) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	return 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, found := splitError(syntaxError(bytes.Join(lines[:i+1], nil)))
		return found == problem
	})
}

// tabIndent returns the line, counted from 1, that is the first at or after from to be indented with a tab, if it is
// near; else 0.
func tabIndent(data []byte, from int) int {
	const near = 3
	lines := bytes.Split(data, []byte("\n"))
	for line := max(from, 1); line < from+near && line <= len(lines); line++ {
		text := lines[line-1]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if bytes.ContainsRune(indent, '\t') {
			return line
		}
	}
	return 0
}

// explain says what to do about a problem that the library names.
func explain(problem string) string {
	switch problem {
	case "mapping values are not allowed in this context":
		return `": " cannot stand here: indent this line like those around it, or put a value that holds ": " in quotes`
	case "did not find expected <document start>":
		return secondDocument
	case "did not find expected key":
		return "is no field that fits the lines above: want their indentation, and nothing after a closing quote or bracket"
	case "could not find expected ':'":
		return `the name of a field has no ":" after it`
	case "did not find expected node content":
		return "a value is missing here, or a bracket above is not closed"
	case "did not find expected '-' indicator":
		return `is no item of the list above it: want "- ", or less indentation`
	case "block sequence entries are not allowed in this context":
		return `"- " cannot stand here: begin a list on a line of its own, or put a value with "- " in quotes`
	case "did not find expected ',' or ']'":
		return "the list that [ begins here is not closed, or lacks a comma: want items with commas between, and ]"
	case "did not find expected ',' or '}'":
		return "the mapping that { begins here is not closed, or lacks a comma: want fields with commas between, and }"
	case "found unexpected end of stream":
		return "a quote that begins here is not closed"
	case "found character that cannot start any token":
		return "a value cannot begin with @, ` or %: put it in quotes"
	case "did not find expected alphabetic or numeric character":
		return "* and & stand before the names of anchors: put a value that begins with one of them in quotes"
	case "found unknown escape character":
		return `a backslash in double quotes begins an escape that YAML does not know: write \\, or use single quotes`
	}
	if name := unknownAnchor(problem); name != "" {
		return "*" + name + " refers to an anchor that is not above it: put a value that begins with * in quotes"
	}
	return "is not YAML: " + problem
}

// unknownAnchor returns the name of the anchor that the problem is about, if it is about one.
func unknownAnchor(problem string) string {
	name, found := strings.CutPrefix(problem, "unknown anchor '")
	if !found {
		return ""
	}
	return strings.TrimSuffix(name, "' referenced")
}
