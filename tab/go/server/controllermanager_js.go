package main

import (
	"context"
	"os"

	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
)

// controllerFlags name the controllers that lessons and the site meet. With no others, a
// start is quicker: each would watch more.
const controllerFlags = `
--kubeconfig=/etc/kubernetes/controller-manager.conf
--leader-elect=false
--bind-address=127.0.0.1
--use-service-account-credentials=true
--service-account-private-key-file=/etc/kubernetes/sa.key
--cluster-signing-cert-file=/etc/kubernetes/ca.crt
--cluster-signing-key-file=/etc/kubernetes/ca.key
--root-ca-file=/etc/kubernetes/ca.crt
--kube-api-qps=100
--kube-api-burst=100
--controller-start-interval=0s
--controllers=serviceaccount-controller
--controllers=serviceaccount-token-controller
--controllers=root-ca-certificate-publisher-controller
--controllers=namespace-controller
--controllers=clusterrole-aggregation-controller
--controllers=replicaset-controller
--controllers=replicationcontroller-controller
--controllers=statefulset-controller
--controllers=daemonset-controller
--controllers=disruption-controller
--controllers=deployment-controller
--controllers=job-controller
--controllers=cronjob-controller
--controllers=ttl-after-finished-controller
--controllers=garbage-collector-controller
--controllers=pod-garbage-collector-controller
--controllers=endpoints-controller
--controllers=endpointslice-controller
--controllers=endpointslice-mirroring-controller
--controllers=persistentvolumeclaim-protection-controller
--controllers=persistentvolume-protection-controller
--controllers=validatingadmissionpolicy-status-controller
--controllers=resourcequota-controller
--controllers=node-lifecycle-controller
--controllers=taint-eviction-controller
--controllers=certificatesigningrequest-approving-controller
--controllers=certificatesigningrequest-signing-controller
--controllers=certificatesigningrequest-cleaner-controller`

// startControllerManager does what the command kube-controller-manager does.
func startControllerManager(ctx context.Context) {
	// client-go takes the program's name for the User-Agent, from which the API server
	// takes the names of managers of fields. Controllers make their clients later: the
	// name stays. The scheduler's, the kubelet's and kubectl's clients name themselves.
	os.Args = []string{"kube-controller-manager"}
	s, err := options.NewKubeControllerManagerOptions()
	fail(err)
	known, disabled := app.KnownControllers(), app.ControllersDisabledByDefault()
	aliases := app.ControllerAliases()
	flags := s.Flags(known, disabled, aliases)
	s.ParsedFlags = &flags
	parse("kube-controller-manager", controllerFlags, flags)
	config, err := s.Config(ctx, known, disabled, aliases)
	fail(err)
	go func() { fail(app.Run(ctx, config.Complete())) }()
}
