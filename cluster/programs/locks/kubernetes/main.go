// Command kubernetes is kube-apiserver, kube-controller-manager, kube-scheduler,
// kubelet or kube-proxy, by the name under which it is called.
//
// Most of each is packages that the others have as well: one program is a third of
// five. The commands are Kubernetes' own, with what their own main packages import.
// kubectl is a program of its own: it is started often, and these initialise twice as
// much. https://github.com/kubernetes/kubernetes/tree/master/cmd
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // time zones of CronJobs

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func main() {
	name := filepath.Base(os.Args[0])
	var command *cobra.Command
	switch name {
	case "kube-apiserver":
		command = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		command = controllermanager.NewControllerManagerCommand()
	case "kube-scheduler":
		command = scheduler.NewSchedulerCommand()
	case "kubelet":
		command = kubelet.NewKubeletCommand(context.Background())
	case "kube-proxy":
		// It takes all flags of the process, which here has those of cAdvisor.
		flag.CommandLine = flag.NewFlagSet(name, flag.ExitOnError)
		command = proxy.NewProxyCommand()
	default:
		fmt.Fprintf(os.Stderr, "%s: call it by the name of a component\n", name)
		os.Exit(2)
	}
	os.Exit(cli.Run(command))
}
