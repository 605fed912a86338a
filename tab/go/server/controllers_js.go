package main

import (
	"context"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/clusterroleaggregation"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
)

// administrators is what kubeadm lets those do who administer the cluster: everything.
var administrators = &rbac.ClusterRoleBinding{
	ObjectMeta: metav1.ObjectMeta{Name: "kubeadm:cluster-admins"},
	RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
	Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: "Group", Name: "kubeadm:cluster-admins"}},
}

// startControllers waits until the server is ready, and runs four controllers of
// kube-controller-manager: default ServiceAccounts, the CA's ConfigMap, the end of
// namespaces, and the rules of view, edit and admin.
func startControllers(ctx context.Context) error {
	overrides := &clientcmd.ConfigOverrides{CurrentContext: "super-admin"}
	loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{ExplicitPath: files + "/config"}, overrides,
	)
	config, err := loaded.ClientConfig()
	if err != nil {
		return err
	}
	config.UserAgent, config.QPS, config.Burst = "kube-controller-manager", 100, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	data, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(files + "/ca.crt")
	if err != nil {
		return err
	}
	ready := func(ctx context.Context) (bool, error) {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	}
	wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, ready)
	bindings := client.RbacV1().ClusterRoleBindings()
	if _, err := bindings.Create(ctx, administrators, metav1.CreateOptions{}); err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactory(client, 0)
	core := shared.Core().V1()
	accounts, err := serviceaccount.NewServiceAccountsController(
		klog.FromContext(ctx), core.ServiceAccounts(), core.Namespaces(), client,
		serviceaccount.DefaultServiceAccountsControllerOptions(),
	)
	if err != nil {
		return err
	}
	publisher, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), client, pem)
	if err != nil {
		return err
	}
	namespaces := namespace.NewNamespaceController(
		ctx, client, data, client.Discovery().ServerPreferredNamespacedResources,
		core.Namespaces(), 0, v1.FinalizerKubernetes,
	)
	roles := clusterroleaggregation.NewClusterRoleAggregation(
		shared.Rbac().V1().ClusterRoles(), client.RbacV1(),
	)
	shared.Start(ctx.Done())
	for _, run := range []func(context.Context, int){
		accounts.Run, publisher.Run, namespaces.Run, roles.Run,
	} {
		go run(ctx, 1)
	}
	return nil
}
