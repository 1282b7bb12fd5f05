// Command crossplane is Crossplane's, which gives memory back when it has settled.
package main

import (
	"fmt"
	"os"

	"github.com/back-stack/backstack/engine/platform/settle"
	crossplane "github.com/crossplane/crossplane/v2/cmd/crossplane"
)

func main() {
	if err := settle.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	crossplane.Main()
}
