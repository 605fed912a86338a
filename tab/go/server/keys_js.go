package main

import (
	"crypto/x509"
	"net"
	"os"

	"k8s.io/client-go/util/cert"
	"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm"
	"k8s.io/kubernetes/cmd/kubeadm/app/util/pkiutil"
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
	client := x509.ExtKeyUsageClientAuth
	for stem, config := range map[string]*pkiutil.CertConfig{
		"apiserver":   apiserver,
		"admin":       subject(client, "kubernetes-admin", "kubeadm:cluster-admins"),
		"super-admin": subject(client, "kubernetes-super-admin", "system:masters"),
	} {
		certificate, key, err := pkiutil.NewCertAndKey(ca, signer, config)
		fail(err)
		fail(pkiutil.WriteCertAndKey(files, stem, certificate, key))
	}
	fail(os.WriteFile(files+"/config", []byte(kubeconfig), 0o600))
}

func subject(usage x509.ExtKeyUsage, name string, groups ...string) *pkiutil.CertConfig {
	config := cert.Config{CommonName: name, Organization: groups, Usages: []x509.ExtKeyUsage{usage}}
	return &pkiutil.CertConfig{Config: config, EncryptionAlgorithm: algorithm}
}
