package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const kubeconfig = `apiVersion: v1
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

// makeKeys writes the keys of a cluster, as kubeadm makes them, and a kubeconfig; each
// start has its own.
func makeKeys() error {
	if err := os.MkdirAll(files, 0o700); err != nil {
		return err
	}
	if _, err := newKey("sa"); err != nil {
		return err
	}
	key, err := newKey("ca")
	if err != nil {
		return err
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "kubernetes"}, key)
	if err != nil {
		return err
	}
	leaves := map[string]*x509.Certificate{
		"ca": ca,
		"apiserver": {
			Subject: pkix.Name{CommonName: "kube-apiserver"},
			DNSNames: []string{
				"kubernetes", "kubernetes.default", "kubernetes.default.svc",
				"kubernetes.default.svc.cluster.local", "localhost",
			},
			IPAddresses: []net.IP{
				net.IPv4(10, 96, 0, 1), net.IPv4(172, 30, 0, 1), net.IPv4(127, 0, 0, 1),
			},
		},
		"admin":       client("kubernetes-admin", "kubeadm:cluster-admins"),
		"super-admin": client("kubernetes-super-admin", "system:masters"),
	}
	for stem, leaf := range leaves {
		made := leaf.Raw
		if leaf != ca {
			if made, err = issue(stem, leaf, ca, key); err != nil {
				return err
			}
		}
		block := &pem.Block{Type: cert.CertificateBlockType, Bytes: made}
		if err := cert.WriteCert(files+"/"+stem+".crt", pem.EncodeToMemory(block)); err != nil {
			return err
		}
	}
	return os.WriteFile(files+"/config", []byte(kubeconfig), 0o600)
}

func client(name, group string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name, Organization: []string{group}},
	}
}

func newKey(stem string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	return key, keyutil.WriteKey(files+"/"+stem+".key", text)
}

func issue(
	stem string, leaf, ca *x509.Certificate, signer *ecdsa.PrivateKey,
) ([]byte, error) {
	key, err := newKey(stem)
	if err != nil {
		return nil, err
	}
	leaf.SerialNumber = big.NewInt(time.Now().UnixNano())
	leaf.NotBefore, leaf.NotAfter = ca.NotBefore, time.Now().AddDate(1, 0, 0)
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(leaf.DNSNames) > 0 {
		leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), signer)
}
