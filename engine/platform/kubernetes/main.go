// Command kubernetes is the control plane of an embedded hub in one program: etcd, kube-apiserver and
// kube-controller-manager, chosen by the first argument. One program, because they share most of their packages: it
// links once, and the running processes share its pages.
package main

import (
	"fmt"
	"os"

	"github.com/back-stack/backstack/engine/platform/settle"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/version" // kubernetes_build_info, as upstream's binaries have it
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kubernetes etcd|kube-apiserver|kube-controller-manager [flags]")
		os.Exit(2)
	}
	if err := settle.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	name := os.Args[1]
	os.Args = append([]string{name}, os.Args[2:]...)
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		startRemovingNamespaces()
		os.Exit(cli.Run(controllermanager.NewControllerManagerCommand()))
	default:
		fmt.Fprintf(os.Stderr, "unknown program %q: want etcd, kube-apiserver or kube-controller-manager\n", name)
		os.Exit(2)
	}
}
