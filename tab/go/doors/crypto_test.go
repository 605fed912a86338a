package doors

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

func TestACertificateIsRead(t *testing.T) {
	ours := newAuthority(t)
	text := asPEM(ours.pair(t, time.Hour).Certificate[0]) + "a line between\n" + ours.pem
	found, err := Certificates(text)
	if err != nil || len(found) != 2 {
		t.Fatalf("%d certificates, %v", len(found), err)
	}
	server, root := found[0], found[1]
	if server.Subject != "CN=server" || server.Issuer != "CN=root" || server.HasBasic {
		t.Errorf("%+v", server)
	}
	if names := strings.Join(server.Names, " "); names != "kubernetes 127.0.0.1" {
		t.Errorf("its names are %s", names)
	}
	if !root.IsAuthority || !root.HasBasic || len(root.Fingerprint) != 64 {
		t.Errorf("%+v", root)
	}
	if found, err := Certificates("nothing"); len(found) != 0 || err != nil {
		t.Errorf("in nothing: %v, %v", found, err)
	}
	if _, err := Certificates(asPEM([]byte{0, 1})); err == nil {
		t.Error("a broken certificate was read")
	}
}

func TestAKeySignsAndVerifies(t *testing.T) {
	key := newAuthority(t).key
	sec1, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	other, err := PublicKeyOf(inPEM(t, "PUBLIC KEY", spki))
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"EC PRIVATE KEY": sec1, "PRIVATE KEY": pkcs8} {
		private := inPEM(t, kind, der)
		public, err := PublicKeyOf(private)
		if err != nil || public != other {
			t.Fatalf("%v, %v", public, err)
		}
		signature, err := Sign(private, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		if !Verify(public, []byte("hello"), signature) {
			t.Error("the signature is refused")
		}
		if Verify(public, []byte("hallo"), signature) {
			t.Error("the signature of another text is accepted")
		}
	}
	if _, err := PublicKeyOf("nothing"); err == nil {
		t.Error("nothing is a key")
	}
	if Verify(PublicKey{"1", "1"}, nil, nil) || Verify(PublicKey{"x", "1"}, nil, nil) {
		t.Error("a key that is none verifies")
	}
}

func inPEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
