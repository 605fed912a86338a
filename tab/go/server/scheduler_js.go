package main

import (
	"context"

	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
)

const schedulerFlags = `
--kubeconfig=/etc/kubernetes/scheduler.conf
--leader-elect=false
--bind-address=127.0.0.1`

// startScheduler does what the command kube-scheduler does.
func startScheduler(ctx context.Context) {
	s := options.NewOptions()
	parse("kube-scheduler", schedulerFlags, *s.Flags)
	config, scheduler, err := app.Setup(ctx, s)
	fail(err)
	go func() { fail(app.Run(ctx, config, scheduler)) }()
}
