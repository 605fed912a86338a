// A cluster of Kubernetes in one process, for Node or a browser's tab: its API server with an
// etcd, its controllers, scheduler and kubelet, and clients. They reach each other by TLS over
// Go's loopback inside the process.
package main

import (
	"context"
	"net"
	"os"
	"runtime"
	"syscall/js"
	"time"

	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"

	"tab/doors"
	"tab/etcd"
	"tab/node"
)

const (
	// server is where the API server listens, files the directory of its keys.
	server, files = "127.0.0.1:6443", "/etc/kubernetes"
	// reserve is bytes of memory that are taken at once: Go asks for little more at a
	// time, and each time V8 collects its garbage.
	reserve = 224 << 20
)

// administrators binds kubeadm's group of administrators to cluster-admin.
var administrators = &rbac.ClusterRoleBinding{
	ObjectMeta: metav1.ObjectMeta{Name: "kubeadm:cluster-admins"},
	RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	Subjects: []rbac.Subject{
		{APIGroup: rbac.GroupName, Kind: "Group", Name: "kubeadm:cluster-admins"},
	},
}

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
	// A panic of one worker of a controller, or of what a command of kubectl has begun, is
	// logged and ends that: it does not end the cluster.
	utilruntime.ReallyCrash = false
	step("making keys")
	makeKeys()
	step("starting the etcd")
	listener, err := net.Listen("tcp", "127.0.0.1:2379")
	fail(err)
	go func() { fail(etcd.New().Serve(listener)) }()
	ctx := context.Background()
	go startOthers(ctx)
	step("starting the API server")
	serve(ctx)
}

// startOthers waits until the API server is ready, lets JavaScript call it, and starts the
// other components.
func startOthers(ctx context.Context) {
	config := clientConfig("super-admin", "cluster")
	config.UserAgent, config.QPS, config.Burst = "tab", 100, 100
	client := kubernetes.NewForConfigOrDie(config)
	waitFor(ctx, func() bool {
		readyz := client.Discovery().RESTClient().Get().AbsPath("/readyz")
		return readyz.Do(ctx).Error() == nil
	})
	bindings := client.RbacV1().ClusterRoleBindings()
	_, err := bindings.Create(ctx, administrators, metav1.CreateOptions{})
	fail(err)
	network := node.NewNetwork(watchServices(ctx, client))
	offer(network)
	for _, component := range []struct {
		name  string
		start func()
	}{
		{"kube-controller-manager", func() { startControllerManager(ctx) }},
		{"kube-scheduler", func() { startScheduler(ctx) }},
		{"the kubelet", func() { startKubelet(ctx, network) }},
	} {
		step("starting " + component.name)
		giveTurn()
		component.start()
	}
	step("waiting for the node")
	waitFor(ctx, func() bool { return isReady(ctx, client) })
	hasStarted.Store(true)
	step("")
}

// offer gives JavaScript its functions.
func offer(network *node.Network) {
	reader := newReader(network)
	js.Global().Set("kubernetes", map[string]any{
		"request": requestFunction(),
		"shell":   shellFunction(reader),
		"doors":   doorFunctions(doors.New(reader.Machine)),
	})
}

// giveTurn waits until JavaScript has had a turn, which it has when Go has nothing to do: what it
// asks of the API server comes before the next component.
func giveTurn() {
	done := make(chan struct{})
	turn := js.FuncOf(func(js.Value, []js.Value) any { close(done); return nil })
	defer turn.Release()
	js.Global().Call("setTimeout", turn, 100)
	<-done
}

// waitFor asks until the answer is yes, or ctx is done.
func waitFor(ctx context.Context, is func() bool) {
	condition := func(context.Context) (bool, error) { return is(), nil }
	fail(wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, condition))
}

// isReady reports whether pods can run on the node.
func isReady(ctx context.Context, client kubernetes.Interface) bool {
	found, err := client.CoreV1().Nodes().Get(ctx, node.Name, metav1.GetOptions{})
	if err != nil || len(found.Spec.Taints) > 0 {
		return false
	}
	for _, condition := range found.Status.Conditions {
		if condition.Type == "Ready" && condition.Status == "True" {
			return true
		}
	}
	return false
}

// step tells JavaScript what the start is doing; "" is its end. A limit is of one step, so
// that a slow machine is told from a start that hangs.
func step(name string) {
	if report := js.Global().Get("onStep"); report.Truthy() {
		report.Invoke(name)
	}
	klog.InfoS("start", "step", name)
}

// fail ends the program, if there is an error.
func fail(err error) {
	if err != nil {
		klog.ErrorS(err, "the cluster has ended")
		os.Exit(1)
	}
}
