// Start an API server as controller-runtime's tests do, say its address, and end it
// on SIGTERM. Usage: envtest DIRECTORY, which has etcd and kube-apiserver.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

func main() {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	env := &envtest.Environment{BinaryAssetsDirectory: os.Args[1]}
	config, err := env.Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(config.Host)
	<-end
	if err := env.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
