// The API server of Kubernetes and its etcd in one process, for Node or a browser's tab.
// Clients are in it, too: they reach it by TLS over Go's loopback inside the process.
package main

import (
	"context"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall/js"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"tab/etcd"
)

const (
	// server is where the API server listens, files the directory of its keys.
	server, files = "127.0.0.1:6443", "/etc/kubernetes"
	// reserve is bytes of memory that are taken at once: Go asks for little more at a
	// time, and each time V8 collects its garbage.
	reserve = 320 << 20
	// flags are those of the cluster of the lessons, as far as it is alone.
	flags = `
--etcd-servers=http://127.0.0.1:2379
--bind-address=127.0.0.1
--secure-port=6443
--advertise-address=172.30.0.1
--service-cluster-ip-range=10.96.0.0/16
--tls-cert-file=/etc/kubernetes/apiserver.crt
--tls-private-key-file=/etc/kubernetes/apiserver.key
--client-ca-file=/etc/kubernetes/ca.crt
--authorization-mode=Node,RBAC
--enable-admission-plugins=NodeRestriction
--allow-privileged=true
--service-account-issuer=https://kubernetes.default.svc.cluster.local
--service-account-signing-key-file=/etc/kubernetes/sa.key
--service-account-key-file=/etc/kubernetes/sa.key
--service-account-extend-token-expiration=false
--profiling=false`
)

func main() {
	runtime.KeepAlive(make([]byte, reserve))
	runtime.GC()
	// On js, os.Stderr yields to the event loop while klog holds its lock; this writer does
	// not yield.
	log := writer(func(text []byte) {
		js.Global().Get("fs").Call("writeSync", 2, uint8Array(text))
	})
	klog.SetLogger(textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(log))))
	klog.StopFlushDaemon()
	makeKeys()
	listener, err := net.Listen("tcp", "127.0.0.1:2379")
	fail(err)
	go func() { fail(etcd.New().Serve(listener)) }()
	ctx := context.Background()
	go func() {
		startControllers(ctx)
		js.Global().Set("kubernetes", map[string]any{
			"request": requestFunction(), "kubectl": kubectlFunction(),
		})
	}()
	serve(ctx)
}

// fail ends the program, if there is an error.
func fail(err error) {
	if err != nil {
		klog.ErrorS(err, "the API server has ended")
		os.Exit(1)
	}
}

// serve does what the command kube-apiserver does, but for its log.
func serve(ctx context.Context) {
	s := options.NewServerRunOptions()
	set := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, section := range s.Flags().FlagSets {
		set.AddFlagSet(section)
	}
	fail(set.Parse(strings.Fields(flags)))
	fail(s.GenericServerRunOptions.ComponentGlobalsRegistry.Set())
	// The server's own clients log no warnings.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	completed, err := s.Complete(ctx)
	fail(err)
	fail(utilerrors.NewAggregate(completed.Validate()))
	fail(app.Run(ctx, completed))
}
