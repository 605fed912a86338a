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
func startControllers(ctx context.Context) {
	config := clientConfig("super-admin", "cluster")
	config.UserAgent, config.QPS, config.Burst = "kube-controller-manager", 100, 100
	client := kubernetes.NewForConfigOrDie(config)
	wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil, nil
	})
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, administrators, metav1.CreateOptions{})
	fail(err)
	shared := informers.NewSharedInformerFactory(client, 0)
	core := shared.Core().V1()
	accounts, err := serviceaccount.NewServiceAccountsController(
		klog.FromContext(ctx), core.ServiceAccounts(), core.Namespaces(), client,
		serviceaccount.DefaultServiceAccountsControllerOptions(),
	)
	fail(err)
	ca, err := os.ReadFile(config.CAFile)
	fail(err)
	publisher, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), client, ca)
	fail(err)
	namespaces := namespace.NewNamespaceController(
		ctx, client, metadata.NewForConfigOrDie(config),
		client.Discovery().ServerPreferredNamespacedResources,
		core.Namespaces(), 0, v1.FinalizerKubernetes,
	)
	roles := clusterroleaggregation.NewClusterRoleAggregation(
		shared.Rbac().V1().ClusterRoles(), client.RbacV1(),
	)
	shared.Start(ctx.Done())
	controllers := []func(context.Context, int){accounts.Run, publisher.Run, namespaces.Run, roles.Run}
	for _, run := range controllers {
		go run(ctx, 1)
	}
}
