package strictyaml

import (
	"strings"
	"testing"
)

func TestDecodeRefusesWhatIsNoDocument(t *testing.T) {
	const (
		empty  = "f: is empty, or holds comments alone"
		second = "a second document begins here: want one document in a file"
	)
	cases := []struct{ name, text, want string }{
		{"no bytes", "", empty},
		{"blank lines", "\n \n", empty},
		{"comments", "# nothing\n", empty},
		{"a separator", "---\n", empty},
		{"null", "null\n", empty},
		{"a list", "- a\n", "f:1: want a mapping of fields, found a list"},
		{"a string", "\nhello\n", `f:2: want a mapping of fields, found the string "hello"`},
		{"two documents without content", "---\n---\n", "f:2: " + second},
		{"text after the end of the document", "name: x\n...\nmore: y\n", "f:3: " + second},
		{"NUL bytes", "name: x\n\x00\x01\x02", "f:2: is a binary file: want YAML text"},
		{"an ELF header", "\x7fELF\x02\x01\x01\x00", `f:1: holds the control character "\x7f": take it out`},
		{"Latin-1", "name: x\nmood: caf\xe9\n", "f:2: is not UTF-8 text: save it as UTF-8"},
		{"UTF-16", "\xff\xfen\x00a\x00", "f:1: is UTF-16 text: save it as UTF-8"},
		{"a control character", "name: x\nmood: a\x1bb\n", `f:2: holds the control character "\x1b": take it out`},
		{"too many bytes", "name: x\n#" + strings.Repeat("x", MaxSize),
			"f: is larger than 1 MiB: want a document of a few hundred lines"},
		{"an alias within its anchor", "any: &a [*a]\n", "f:1: *a lies within what it names: leave it out"},
		{"deep nesting", "any:\n  " + strings.Repeat("[", 200) + strings.Repeat("]", 200),
			"f:2: is nested more than 100 deep"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			document, err := Decode([]byte(c.text), "f", new(robot))
			if err == nil || err.Error() != c.want {
				t.Errorf("error\n%v, want\n%s", err, c.want)
			}
			if document != nil {
				t.Error("a document, though there is nothing to go on with")
			}
		})
	}
}

func TestDecodeTakesAByteOrderMark(t *testing.T) {
	var got robot
	if _, err := Decode([]byte("\ufeffname: x\n"), "f", &got); err != nil || got.Name != "x" {
		t.Errorf("decoded %q, %v", got.Name, err)
	}
}

func TestDecodeTakesTheLargestSize(t *testing.T) {
	text := "name: x\n#"
	text += strings.Repeat("x", MaxSize-len(text))
	if _, err := Decode([]byte(text), "f", new(robot)); err != nil {
		t.Error(err)
	}
}

func TestDecodeBoundsAliases(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("values:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for _, level := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		below := "*a" + string(level[0]-1)
		bomb.WriteString("  a" + level + ": &a" + level + " [" + strings.Repeat(below+", ", 9) + below + "]\n")
	}
	want := "aliases multiply the document to more than 10000 values: write out what is meant"
	document, err := Decode([]byte(bomb.String()), "f", new(robot))
	if err == nil || !strings.HasSuffix(err.Error(), want) || document != nil {
		t.Errorf("document %v, error %v, want %s", document, err, want)
	}
}

func TestDecodeMakesSyntaxErrorsReadable(t *testing.T) {
	const (
		colon  = `": " cannot stand here: indent this line like those around it, or put a value that holds ": " in quotes`
		misfit = "is no field that fits the lines above: want their indentation, " +
			"and nothing after a closing quote or bracket"
		list    = "the list that [ begins here is not closed, or lacks a comma: want items with commas between, and ]"
		mapping = "the mapping that { begins here is not closed, or lacks a comma: want fields with commas between, and }"
		quote   = "a quote that begins here is not closed"
		tab     = "a tab indents this line: YAML takes spaces alone"
		start   = "a value cannot begin with @, ` or %: put it in quotes"
		escape  = `a backslash in double quotes begins an escape that YAML does not know: write \\, or use single quotes`
		dash    = `"- " cannot stand here: begin a list on a line of its own, or put a value with "- " in quotes`
		name    = `the name of a field has no ":" after it`
	)
	cases := []struct{ name, text, want string }{
		{"a tab in the first field", "a:\n\tb: 1\n", "f:2: " + tab},
		{"a tab after a field", "a: 1\nb: 2\n\tc: 3\n", "f:3: " + tab},
		{"a second colon", "a: 1\nb: c: d\n", "f:2: " + colon},
		{"a field too far to the right", "a: 1\n b: 2\n", "f:2: " + colon},
		{"a field too far to the left", "a:\n  b: 1\n c: 2\n", "f:3: " + misfit},
		{"the same, deep in a mapping", "x: 1\ny:\n  a:\n    b: 1\n    c: 1\n   d: 1\n", "f:6: " + misfit},
		{"a list item among fields", "a: 1\n- b\n", "f:2: " + misfit},
		{"text after a quote", "k: \"abc\" def\nb: 2\n", "f:1: " + misfit},
		{"a bracket too many", "x: 1\n\n\na: 1\nb: [1,2]]\nc: d\n", "f:5: " + misfit},
		{"an open list on the first line", "a: [1, 2\nb: 3\n", "f:1: " + list},
		{"an open list", "p:\n q: [1,\n 2\nb: c\n", "f:2: " + list},
		{"an open mapping", "a: 1\nb: {x: 1\n", "f:2: " + mapping},
		{"a list that ends in its beginning", "x: 1\na: [\n\n",
			"f:2: a value is missing here, or a bracket above is not closed"},
		{"an item that is missing", "a: [1]\nb: [1,\n , 2]\n",
			"f:3: a value is missing here, or a bracket above is not closed"},
		{"an open quote on the first line", "a: 'x\nb: 2\nc: 3\n", "f:1: " + quote},
		{"an open quote", "z: 1\na: \"x\nb: 2\nc: 3\n", "f:2: " + quote},
		{"an open quote after a byte order mark", "\ufeffa: 'x\n", "f:1: " + quote},
		{"an open quote in a second document", "a: 1\n---\nb: 'x\n", "f:3: " + quote},
		{"a line without a colon", "a: 1\nb\nc: 2\n", "f:2: " + name},
		{"an alias without an anchor", "x: 1\ny: 2\na: *there\n",
			"f:3: *there refers to an anchor that is not above it: put a value that begins with * in quotes"},
		{"a wildcard", "x: 1\na: *.example.com\n",
			"f:2: * and & stand before the names of anchors: put a value that begins with one of them in quotes"},
		{"a value that begins with @", "x: 1\nb: @x\n", "f:2: " + start},
		{"a value that begins with a backquote", "m: `a`\n", "f:1: " + start},
		{"a list on the line of its field", "a: 1\nb: - c\n", "f:2: " + dash},
		{"a field among list items", "a: 1\nb:\n  - x\n  y: 2\n",
			`f:4: is no item of the list above it: want "- ", or less indentation`},
		{"an unknown escape", "x: 1\na: \"b\\q\"\n", "f:2: " + escape},
		{"what has no better words", "%YAML 3.0\n---\na: 1\n", "f:1: is not YAML: found incompatible YAML document"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(c.text), "f", new(robot))
			if err == nil || err.Error() != c.want {
				t.Errorf("error\n%v, want\n%s", err, c.want)
			}
		})
	}
}
