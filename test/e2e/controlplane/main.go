// Controlplane is four programs of Kubernetes in one binary, for tests: the first argument says which one it becomes.
// They are the unmodified commands, so their own flags and answers hold; one binary shares the code that is in all four.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
)

// Only the command that was asked for is constructed: each registers its feature gates for the whole process, and a
// second one panics.
var commands = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-proxy":              proxy.NewProxyCommand,
}

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	if role == "etcd" {
		etcdmain.Main(os.Args[1:])
		return
	}
	command, known := commands[role]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: controlplane etcd|kube-apiserver|kube-controller-manager|kube-proxy [flags]")
		os.Exit(2)
	}
	os.Args = os.Args[1:]
	os.Exit(cli.Run(command()))
}
