package main

import (
	"net"
	"os"
	"path"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

const account = "/var/run/secrets/kubernetes.io/serviceaccount"

// usualKubeconfig returns the kubeconfig that KUBECONFIG names, the usual one, or one for the
// account of the pod.
func (r *kubectlRun) usualKubeconfig() string {
	if name := r.Getenv("KUBECONFIG"); name != "" {
		return r.kubeconfig(name)
	}
	name := path.Join(r.Getenv("HOME"), ".kube/config")
	if _, err := r.Stat(name); err == nil || r.isReader() {
		return r.kubeconfig(name)
	}
	host, port := r.Getenv("KUBERNETES_SERVICE_HOST"), r.Getenv("KUBERNETES_SERVICE_PORT")
	namespace, err := r.ReadFile(account + "/namespace")
	if host == "" || port == "" || err != nil {
		return r.translateKubeconfig(nil, "/")
	}
	return r.copyKubeconfig(inCluster(host, port, string(namespace)), account)
}

// inCluster returns a kubeconfig of what client-go does in a pod.
func inCluster(host, port, namespace string) *api.Config {
	url, authority := "https://"+net.JoinHostPort(host, port), account+"/ca.crt"
	users := map[string]*api.AuthInfo{"pod": {TokenFile: account + "/token"}}
	return newKubeconfig(url, authority, namespace, "pod", users)
}

// kubeconfig returns the name, for package os, of a kubeconfig. In a container it is that of a
// copy: the files that a kubeconfig names are the container's.
func (r *kubectlRun) kubeconfig(name string) string {
	if r.isReader() {
		if !path.IsAbs(name) {
			name = path.Join(r.Dir, name)
		}
		return name
	}
	r.kubeconfigName = name
	text, err := r.ReadFile(name)
	if err != nil {
		// Nothing is there: kubectl says so.
		return r.copy
	}
	return r.translateKubeconfig(text, path.Dir(name))
}

// translateKubeconfig writes the copy of a kubeconfig of a directory, and returns its name.
func (r *kubectlRun) translateKubeconfig(text []byte, directory string) string {
	config, err := clientcmd.Load(text)
	if err != nil {
		os.WriteFile(r.copy, text, 0o600)
		return r.copy
	}
	return r.copyKubeconfig(config, directory)
}

// copyKubeconfig does so with one that is read. The copy has no program that would get a
// credential: a container runs none for kubectl.
func (r *kubectlRun) copyKubeconfig(config *api.Config, directory string) string {
	translate := func(file *string) {
		if *file == "" {
			return
		}
		name := *file
		if !path.IsAbs(name) {
			name = path.Join(directory, name)
		}
		var err error
		if *file, err = r.HostPath(name); err != nil {
			*file = "/nonexistent"
		}
	}
	for _, cluster := range config.Clusters {
		translate(&cluster.CertificateAuthority)
	}
	for _, user := range config.AuthInfos {
		user.Exec, user.AuthProvider = nil, nil
		translate(&user.ClientCertificate)
		translate(&user.ClientKey)
		translate(&user.TokenFile)
	}
	clientcmd.WriteToFile(*config, r.copy)
	return r.copy
}
