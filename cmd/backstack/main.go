// Command backstack installs and looks after the hub of an internal developer platform.
package main

import (
	"os"

	"github.com/back-stack/backstack/internal/cli"
	"github.com/back-stack/backstack/internal/coldstart"
)

func main() {
	coldstart.Done()
	os.Exit(cli.Run(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
