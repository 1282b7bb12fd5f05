// Command generate writes sources.zip, which the engine package embeds. Run it with: go generate ./engine
package main

import (
	"fmt"
	"os"

	"github.com/back-stack/backstack/engine/internal/sources"
)

func main() {
	if err := sources.Write(".", "sources.zip"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
