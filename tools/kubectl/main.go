// kubectl, built from its own Go module, for machines that have Go and no kubectl: the tests drive the embedded API
// server with the real client. tools/setup.sh builds it once into a cache outside the tree.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
