// Package coldstart keeps the garbage collector from running while the packages of a command are initialized. They
// allocate some 15 MB, nearly all of which stays: collecting in between is a fifth of the time that a command takes to
// begin. Packages are initialized in the order of their paths (https://go.dev/ref/spec#Package_initialization), so this
// one, which needs nothing, comes before nearly all that allocate.
package coldstart

import (
	"os"
	"runtime/debug"
)

// usual is the percentage at which the collector runs otherwise.
var usual int

func init() {
	if os.Getenv("GOGC") == "" {
		usual = debug.SetGCPercent(-1)
	}
}

// Done lets the collector run as usual from now on. It is called first of all in main.
func Done() {
	if usual != 0 {
		debug.SetGCPercent(usual)
	}
}
