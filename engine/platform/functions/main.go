// Command functions is the composition functions of every hub in one program, chosen by the first argument. One
// program, because they share all but a few of their packages: it links once, and the running processes share its
// pages.
package main

import (
	"fmt"
	"os"

	"github.com/back-stack/backstack/engine/platform/settle"
	transform "github.com/crossplane-contrib/function-patch-and-transform"
	ready "github.com/crossplane/function-auto-ready"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: functions function-patch-and-transform|function-auto-ready [flags]")
		os.Exit(2)
	}
	if err := settle.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...)
	switch name {
	case "function-patch-and-transform":
		transform.Main()
	case "function-auto-ready":
		ready.Main()
	default:
		fmt.Fprintf(os.Stderr, "unknown function %q: want function-patch-and-transform or function-auto-ready\n", name)
		os.Exit(2)
	}
}
