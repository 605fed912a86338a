// Command containerd is containerd, or its client ctr, by the name under which it is
// called.
//
// The client's packages are the server's as well. The shim is a program of its own: it
// runs beside each pod, and registers plugins that are not the server's.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	_ "github.com/containerd/containerd/v2/cmd/containerd/builtins"
	"github.com/containerd/containerd/v2/cmd/containerd/command"
	ctr "github.com/containerd/containerd/v2/cmd/ctr/app"
)

func main() {
	name, app := "containerd", command.App()
	if filepath.Base(os.Args[0]) == "ctr" {
		name, app = "ctr", ctr.New()
	}
	if err := app.Run(context.Background(), os.Args); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
