package strictyaml

import "fmt"

// Document is what is known of a document that was decoded, beside the values: where each of them stands. A nil
// Document knows nothing, which suits values that came from no document.
type Document struct {
	source string
	at     map[string]position
	unread map[string]bool
}

// position is a place in a document, counted from 1.
type position struct{ line, column int }

// Has reports whether the document gives the field or item at path.
func (d *Document) Has(path string) bool {
	if d == nil {
		return false
	}
	_, found := d.at[path]
	return found
}

// Position returns where the field or item at path stands, counted from 1; that of a field is where its name stands. If
// the document does not give it, the position is that of the nearest thing around it that the document gives.
func (d *Document) Position(path string) (line, column int) {
	if d == nil {
		return 0, 0
	}
	for !d.Has(path) && path != "" {
		path = parent(path)
	}
	return d.at[path].line, d.at[path].column
}

// Unread reports whether the document gives path, or something around it, in a way that could not be decoded, such as a
// wrong type or a misspelt name. Decode has named that fault; to miss or judge the value would name it a second time.
func (d *Document) Unread(path string) bool {
	if d == nil {
		return false
	}
	for ; path != ""; path = parent(path) {
		if d.unread[path] {
			return true
		}
	}
	return d.unread[""]
}

// Fault returns a fault of the value at path, with its position.
func (d *Document) Fault(path, format string, args ...any) Fault {
	fault := Fault{Path: path, Message: fmt.Sprintf(format, args...)}
	if d != nil {
		fault.Source = d.source
		fault.Line, fault.Column = d.Position(path)
	}
	return fault
}
