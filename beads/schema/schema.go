// Package schema has the JSON Schema of bead.yaml, for editors that complete and check it while it is written. It is
// generated from the Go types of package bead and their comments; `backstack bead lint` knows more.
package schema

import (
	_ "embed"
	"slices"
)

//go:generate go test . -update

// URL is where the schema is published, and its $id. A bead.yaml names it in a comment that editors look for:
//
//	# yaml-language-server: $schema=https://raw.githubusercontent.com/back-stack/backstack/main/beads/schema/bead.schema.json
const URL = "https://raw.githubusercontent.com/back-stack/backstack/main/beads/schema/bead.schema.json"

//go:embed bead.schema.json
var content []byte

// Bead returns the schema, by draft 2020-12 of JSON Schema.
func Bead() []byte { return slices.Clone(content) }
