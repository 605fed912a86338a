package main

import (
	"k8s.io/client-go/tools/clientcmd/api"
)

// newKubeconfig returns a kubeconfig of one cluster, with a context for each user, by the user's
// name.
func newKubeconfig(
	url, authority, namespace, current string, users map[string]*api.AuthInfo,
) *api.Config {
	const cluster = "tab"
	config := api.NewConfig()
	config.Clusters[cluster] = &api.Cluster{Server: url, CertificateAuthority: authority}
	config.AuthInfos, config.CurrentContext = users, current
	for name := range users {
		config.Contexts[name] = &api.Context{
			Cluster: cluster, AuthInfo: name, Namespace: namespace,
		}
	}
	return config
}

// callersKubeconfig returns that of the reader's commands, for a caller and a namespace.
func callersKubeconfig(caller, namespace string) *api.Config {
	return localKubeconfig(namespace, caller, map[string]*api.AuthInfo{
		"admin": keysOf("admin"), "super-admin": keysOf("super-admin"), "nobody": {},
	})
}

// componentKubeconfig returns that of a component of the cluster.
func componentKubeconfig(name string) *api.Config {
	return localKubeconfig("", name, map[string]*api.AuthInfo{name: keysOf(name)})
}

func localKubeconfig(
	namespace, current string, users map[string]*api.AuthInfo,
) *api.Config {
	return newKubeconfig("https://"+server, files+"/ca.crt", namespace, current, users)
}

// keysOf returns the user of a certificate.
func keysOf(name string) *api.AuthInfo {
	stem := files + "/" + name
	return &api.AuthInfo{ClientCertificate: stem + ".crt", ClientKey: stem + ".key"}
}
