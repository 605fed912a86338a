package main

import (
	"crypto/x509"
	"net"
	"os"
	"strings"

	"k8s.io/client-go/util/cert"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"

	"tab/node"
)

const (
	algorithm  = kubeadm.EncryptionAlgorithmECDSAP256
	kubeconfig = `apiVersion: v1
kind: Config
clusters:
- {name: tab, cluster: {server: "https://` + server + `", certificate-authority: ca.crt}}
users:
- {name: admin, user: {client-certificate: admin.crt, client-key: admin.key}}
- {name: super-admin, user: {client-certificate: super-admin.crt, client-key: super-admin.key}}
- {name: nobody, user: {}}
contexts:
- {name: admin, context: {cluster: tab, user: admin}}
- {name: super-admin, context: {cluster: tab, user: super-admin}}
- {name: nobody, context: {cluster: tab, user: nobody}}
current-context: admin
`
	componentConfig = `apiVersion: v1
kind: Config
clusters:
- {name: tab, cluster: {server: "https://` + server + `", certificate-authority: ca.crt}}
users:
- {name: NAME, user: {client-certificate: NAME.crt, client-key: NAME.key}}
contexts:
- {name: NAME, context: {cluster: tab, user: NAME}}
current-context: NAME
`
)

// makeKeys writes the keys of a cluster, by kubeadm's code, and a kubeconfig; each start
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
	fail(os.WriteFile(files+"/config", []byte(kubeconfig), 0o600))
	for _, name := range []string{"controller-manager", "scheduler"} {
		config := strings.ReplaceAll(componentConfig, "NAME", name)
		fail(os.WriteFile(files+"/"+name+".conf", []byte(config), 0o600))
	}
}

func subject(usage x509.ExtKeyUsage, name string, groups ...string) *pkiutil.CertConfig {
	config := cert.Config{CommonName: name, Organization: groups, Usages: []x509.ExtKeyUsage{usage}}
	return &pkiutil.CertConfig{Config: config, EncryptionAlgorithm: algorithm}
}
