package main

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace/noop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kubelet/app"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	"k8s.io/kubernetes/pkg/kubelet"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/kubelet/container"
	"k8s.io/kubernetes/pkg/kubelet/util"
	"k8s.io/kubernetes/pkg/util/oom"
	"k8s.io/mount-utils"

	"tab/node"
)

// startKubelet does what the command kubelet does, with a container runtime of ours, and
// without what Linux would have: mounts, cgroups, an OOM killer.
func startKubelet(ctx context.Context, network *node.Network) {
	config := clientConfig("kubelet", "cluster")
	config.UserAgent, config.QPS, config.Burst = userAgent("kubelet"), 50, 100
	client := kubernetes.NewForConfigOrDie(config)
	flags, settings := kubeletOptions()
	runtime, err := node.NewRuntime(network, programsFor)
	fail(err)
	tls, err := app.InitializeTLS(ctx, flags, settings)
	fail(err)
	auth, reload, err := app.BuildAuth(node.Name, client, *settings)
	fail(err)
	reload(ctx.Done())
	plugins, err := app.ProbeVolumePlugins(ctx, utilfeature.DefaultFeatureGate)
	fail(err)
	dependencies := &kubelet.Dependencies{
		Auth:                      auth,
		TLSOptions:                tls,
		KubeClient:                client,
		HeartbeatClient:           client,
		EventClient:               client.CoreV1(),
		CAdvisorInterface:         node.Machine{},
		ContainerManager:          cm.NewStubContainerManager(),
		RemoteRuntimeService:      runtime,
		RemoteImageService:        node.Images{},
		HostUtil:                  node.NewHost(),
		Mounter:                   mount.NewFakeMounter(nil),
		Subpather:                 node.Subpaths{},
		OOMAdjuster:               oom.NewFakeOOMAdjuster(),
		OSInterface:               container.RealOS{},
		VolumePlugins:             plugins,
		TracerProvider:            noop.NewTracerProvider(),
		PodStartupLatencyTracker:  util.NewPodStartupLatencyTracker(),
		NodeStartupLatencyTracker: util.NewNodeStartupLatencyTracker(klog.FromContext(ctx)),
	}
	fail(app.RunKubelet(ctx, &options.KubeletServer{
		KubeletFlags: *flags, KubeletConfiguration: *settings,
	}, dependencies))
}

// kubeletOptions returns flags and configuration; those that differ from upstream's defaults
// do because of what a tab lacks, but for the keys and addresses.
func kubeletOptions() (*options.KubeletFlags, *kubeletconfig.KubeletConfiguration) {
	flags := options.NewKubeletFlags()
	flags.HostnameOverride, flags.NodeIP = node.Name, node.Address
	settings, err := options.NewKubeletConfiguration()
	fail(err)
	settings.Address, settings.HealthzPort = node.Address, 0
	stem := files + "/kubelet-server"
	settings.TLSCertFile, settings.TLSPrivateKeyFile = stem+".crt", stem+".key"
	settings.Authentication.X509.ClientCAFile = files + "/ca.crt"
	settings.ClusterDomain, settings.ClusterDNS = node.Domain, []string{node.Nameserver}
	settings.ResolverConfig = ""
	// No volumes but those that the kubelet makes.
	settings.EnableControllerAttachDetach = false
	settings.CgroupsPerQOS, settings.EnforceNodeAllocatable = false, nil
	settings.FailSwapOn = false
	// No disk that could be full, and no images that could be removed.
	settings.EvictionHard = map[string]string{}
	settings.LocalStorageCapacityIsolation = false
	settings.ImageMinimumGCAge = metav1.Duration{Duration: time.Hour}
	// How often a pod is looked at that nobody has changed: a ConfigMap's new value is in
	// its volume so much later.
	settings.SyncFrequency = metav1.Duration{Duration: 10 * time.Second}
	return flags, settings
}
