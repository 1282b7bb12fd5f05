// Command kyverno is Kyverno's four controllers in one program, chosen by the first argument. One program, because they
// share nearly all of their packages: it links once, and the running processes share its pages.
package main

import (
	"fmt"
	"os"

	"github.com/back-stack/backstack/engine/platform/settle"
	background "github.com/kyverno/kyverno/cmd/background-controller"
	cleanup "github.com/kyverno/kyverno/cmd/cleanup-controller"
	admission "github.com/kyverno/kyverno/cmd/kyverno"
	reports "github.com/kyverno/kyverno/cmd/reports-controller"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr,
			"usage: kyverno admission-controller|background-controller|cleanup-controller|reports-controller [flags]")
		os.Exit(2)
	}
	if err := settle.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...)
	switch name {
	case "admission-controller":
		admission.Main()
	case "background-controller":
		background.Main()
	case "cleanup-controller":
		cleanup.Main()
	case "reports-controller":
		reports.Main()
	default:
		fmt.Fprintf(os.Stderr, "unknown program %q: want admission-controller, background-controller, "+
			"cleanup-controller or reports-controller\n", name)
		os.Exit(2)
	}
}
