// Command argocd is Argo CD in one program: its API server, repository server, application controller and
// ApplicationSet controller, chosen by the first argument, by the name it is run as, or, as Argo CD itself does when it
// has git ask for a password, by ARGOCD_BINARY_NAME. One program, because they share nearly all of their packages: it
// links once, and the running processes share its pages.
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	appcontroller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	applicationset "github.com/argoproj/argo-cd/v3/cmd/argocd-applicationset-controller/commands"
	gitaskpass "github.com/argoproj/argo-cd/v3/cmd/argocd-git-ask-pass/commands"
	k8sauth "github.com/argoproj/argo-cd/v3/cmd/argocd-k8s-auth/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
	apiserver "github.com/argoproj/argo-cd/v3/cmd/argocd-server/commands"
	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/util/grpc"
	"github.com/argoproj/argo-cd/v3/util/log"
	"github.com/back-stack/backstack/engine/platform/settle"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

func main() {
	programs := map[string]func() *cobra.Command{
		common.CommandServer:                   apiserver.NewCommand,
		common.CommandRepoServer:               reposerver.NewCommand,
		common.CommandApplicationController:    appcontroller.NewCommand,
		common.CommandApplicationSetController: applicationset.NewCommand,
		common.CommandGitAskPass:               gitaskpass.NewCommand,
		common.CommandK8sAuth:                  k8sauth.NewCommand,
	}
	name, args := chosen(os.Args, os.Getenv("ARGOCD_BINARY_NAME"))
	newCommand, ok := programs[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "unknown program %q: want %s\n", name, strings.Join(slices.Sorted(maps.Keys(programs)), ", "))
		os.Exit(2)
	}

	if err := settle.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}

	// As upstream's main does: one log format, and no DNS lookups for gRPC's service configuration.
	klog.SetLogger(log.NewLogrusLogger(log.NewWithCurrentConfig()))
	grpc.DisableSRVLookups()

	os.Args = append([]string{name}, args...)
	if newCommand().Execute() != nil { // which has printed the error
		os.Exit(1)
	}
}

// chosen returns the program that a command line asks for, and the arguments that are left for it. override, if not
// empty, is the program's name whatever the command line says.
func chosen(commandLine []string, override string) (name string, args []string) {
	called := filepath.Base(commandLine[0])
	switch {
	case override != "":
		return override, commandLine[1:]
	case called != "argocd":
		return called, commandLine[1:]
	case len(commandLine) > 1:
		return commandLine[1], commandLine[2:]
	default:
		return "", nil
	}
}
