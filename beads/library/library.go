// Package library holds the Beads that ship with backstack, each in the folder of its name.
package library

import (
	"embed"
	"io/fs"
)

//go:embed all:eks all:gke all:hello all:namespace
var beads embed.FS

// FS returns the library: a folder for each Bead.
func FS() fs.FS { return beads }
