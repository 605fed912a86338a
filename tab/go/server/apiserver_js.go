package main

import (
	"context"
	"net"
	"os"
	"strings"
	"sync/atomic"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/client-go/rest"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"tab/node"
	"tab/programs"
)

// serverFlags are those of the cluster of the lessons, as far as it is alone.
const serverFlags = `
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
--kubelet-client-certificate=/etc/kubernetes/apiserver-kubelet-client.crt
--kubelet-client-key=/etc/kubernetes/apiserver-kubelet-client.key
--kubelet-certificate-authority=/etc/kubernetes/ca.crt
--kubelet-preferred-address-types=InternalIP
--profiling=false`

// serve does what the command kube-apiserver does, but for its log. It listens where the
// Service and its endpoint are, too, in place of kube-proxy.
func serve(ctx context.Context) {
	os.Args = []string{"kube-apiserver"}
	s := options.NewServerRunOptions()
	addWarnings(s)
	flags := s.Flags()
	parse("kube-apiserver", serverFlags, flags)
	// /flagz shows them.
	s.Flagz = flagz.NamedFlagSetsReader{FlagSets: flags}
	fail(s.GenericServerRunOptions.ComponentGlobalsRegistry.Set())
	// The server's own clients log no warnings.
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	var listeners []net.Listener
	for _, address := range []string{server, "172.30.0.1:6443", "10.96.0.1:443"} {
		listener, err := net.Listen("tcp", address)
		fail(err)
		listeners = append(listeners, listener)
	}
	s.SecureServing.Listener = turnsListener{node.Join(listeners...)}
	completed, err := s.Complete(ctx)
	fail(err)
	fail(utilerrors.NewAggregate(completed.Validate()))
	fail(app.Run(ctx, completed))
}

// hasStarted says that all components have: until then, nothing but them needs a turn.
var hasStarted atomic.Bool

// turnsListener has connections that give JavaScript a turn, so that a command is stopped which
// sends one request after the other, and another one begins.
type turnsListener struct{ net.Listener }

func (l turnsListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	return turnsConnection{connection}, err
}

type turnsConnection struct{ net.Conn }

func (c turnsConnection) Write(bytes []byte) (int, error) {
	if hasStarted.Load() {
		programs.GiveTurn()
	}
	return c.Conn.Write(bytes)
}

// parse sets a component's flags, which are words.
func parse(name, words string, sections cliflag.NamedFlagSets) {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	for _, section := range sections.FlagSets {
		set.AddFlagSet(section)
	}
	fail(set.Parse(strings.Fields(words)))
}
