package strictyaml

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// secondDocument is what is wrong with a file that holds more than one document.
const secondDocument = "a second document begins here: want one document in a file"

// parse returns the root of the one document in data, without aliases, and what is wrong with data as a document. The
// root is nil if there is nothing to decode.
func parse(data []byte) (*yaml.Node, Faults) {
	if fault := checkText(data); fault != nil {
		return nil, Faults{*fault}
	}
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, Faults{empty()}
	} else if err != nil {
		return nil, Faults{syntaxFault(data, err)}
	}
	root := document.Content[0]

	var faults Faults
	if err := decoder.Decode(&second); err == nil {
		faults = append(faults, Fault{Line: second.Line, Column: second.Column, Message: secondDocument})
	} else if !errors.Is(err, io.EOF) {
		return nil, Faults{syntaxFault(data, err)}
	}
	if fault := expandAliases(root); fault != nil {
		return nil, append(faults, *fault)
	}
	return root, faults
}

// empty returns the fault of a document without content.
func empty() Fault {
	return Fault{Message: "is empty, or holds comments alone"}
}
