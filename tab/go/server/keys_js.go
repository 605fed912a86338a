package main

import (
	"crypto/x509"
	"net"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/cert"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"

	"tab/node"
)

const algorithm = kubeadm.EncryptionAlgorithmECDSAP256

// makeKeys writes the keys of a cluster, by kubeadm's code, and kubeconfigs; each start
// has its own.
func makeKeys() {
	tokens, err := pkiutil.NewPrivateKey(algorithm)
	fail(err)
	fail(pkiutil.WriteKey(files, "sa", tokens))
	ca, signer, err := pkiutil.NewCertificateAuthority(subject(x509.ExtKeyUsageAny, "kubernetes"))
	fail(err)
	fail(pkiutil.WriteCertAndKey(files, "ca", ca, signer))
	apiserver := subject(x509.ExtKeyUsageServerAuth, "kube-apiserver")
	apiserver.AltNames = cert.AltNames{
		DNSNames: []string{
			"kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local", "localhost",
		},
		IPs: []net.IP{net.IPv4(10, 96, 0, 1), net.IPv4(172, 30, 0, 1), net.IPv4(127, 0, 0, 1)},
	}
	kubelet := subject(x509.ExtKeyUsageServerAuth, "system:node:"+node.Name, "system:nodes")
	kubelet.AltNames = cert.AltNames{
		DNSNames: []string{node.Name}, IPs: []net.IP{net.ParseIP(node.Address)},
	}
	client, admins := x509.ExtKeyUsageClientAuth, "kubeadm:cluster-admins"
	for stem, config := range map[string]*pkiutil.CertConfig{
		"apiserver":                apiserver,
		"apiserver-kubelet-client": subject(client, "kube-apiserver-kubelet-client", admins),
		"admin":                    subject(client, "kubernetes-admin", admins),
		"super-admin":              subject(client, "kubernetes-super-admin", "system:masters"),
		"controller-manager":       subject(client, "system:kube-controller-manager"),
		"scheduler":                subject(client, "system:kube-scheduler"),
		"kubelet":                  subject(client, "system:node:"+node.Name, "system:nodes"),
		"kubelet-server":           kubelet,
	} {
		certificate, key, err := pkiutil.NewCertAndKey(ca, signer, config)
		fail(err)
		fail(pkiutil.WriteCertAndKey(files, stem, certificate, key))
	}
	fail(clientcmd.WriteToFile(*callersKubeconfig("admin", ""), files+"/config"))
	for _, name := range []string{"controller-manager", "scheduler"} {
		fail(clientcmd.WriteToFile(*componentKubeconfig(name), files+"/"+name+".conf"))
	}
}

func subject(usage x509.ExtKeyUsage, name string, groups ...string) *pkiutil.CertConfig {
	config := cert.Config{CommonName: name, Organization: groups, Usages: []x509.ExtKeyUsage{usage}}
	return &pkiutil.CertConfig{Config: config, EncryptionAlgorithm: algorithm}
}
