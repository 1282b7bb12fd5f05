package strictyaml

import (
	"bytes"
	"unicode/utf8"
)

// MaxSize is the size, in bytes, over which a document is refused.
const MaxSize = 1 << 20

// checkText returns what makes data no text that could be YAML, or nil.
func checkText(data []byte) *Fault {
	if len(data) > MaxSize {
		return &Fault{Message: "is larger than 1 MiB: want a document of a few hundred lines"}
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return &Fault{Line: 1, Message: "is UTF-16 text: save it as UTF-8"}
	}
	line := 1
	for i := 0; i < len(data); {
		letter, size := utf8.DecodeRune(data[i:])
		switch {
		case letter == '\n':
			line++
		case letter == 0:
			return &Fault{Line: line, Message: "is a binary file: want YAML text"}
		case letter == utf8.RuneError && size == 1:
			return &Fault{Line: line, Message: "is not UTF-8 text: save it as UTF-8"}
		case letter < ' ' && letter != '\t' && letter != '\r', letter == 0x7f:
			return &Fault{Line: line, Message: "holds the control character " + Quote(string(letter)) + ": take it out"}
		}
		i += size
	}
	return nil
}
