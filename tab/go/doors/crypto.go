package doors

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"time"
)

// Certificate is what a certificate says.
type Certificate struct {
	Subject, Issuer     string
	Names               []string
	NotBefore, NotAfter time.Time
	// HasBasic says whether IsAuthority was said at all.
	HasBasic, IsAuthority bool
	// Fingerprint is the SHA-256 of the whole, in hex.
	Fingerprint string
}

// Certificates returns what is in PEM text, none if there is no certificate, or an error if one
// cannot be read.
func Certificates(text string) ([]Certificate, error) {
	all := []Certificate{}
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		parsed, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(parsed.Raw)
		certificate := Certificate{
			Subject: parsed.Subject.String(), Issuer: parsed.Issuer.String(),
			Names:     append([]string{}, parsed.DNSNames...),
			NotBefore: parsed.NotBefore.UTC(), NotAfter: parsed.NotAfter.UTC(),
			HasBasic: parsed.BasicConstraintsValid, IsAuthority: parsed.IsCA,
			Fingerprint: hex.EncodeToString(sum[:]),
		}
		for _, address := range parsed.IPAddresses {
			certificate.Names = append(certificate.Names, address.String())
		}
		all = append(all, certificate)
	}
}

// PublicKey is one of the curve P-256: its point, in hex.
type PublicKey struct{ X, Y string }

var errKey = errors.New("this is no key of the curve P-256")

// PublicKeyOf returns the public key of a private or public one in PEM.
func PublicKeyOf(text string) (PublicKey, error) {
	var key *ecdsa.PublicKey
	if private, err := privateKey(text); err == nil {
		key = &private.PublicKey
	} else if block, _ := pem.Decode([]byte(text)); block != nil {
		if parsed, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			key, _ = parsed.(*ecdsa.PublicKey)
		}
	}
	if key == nil || key.Curve != elliptic.P256() {
		return PublicKey{}, errKey
	}
	return PublicKey{key.X.Text(16), key.Y.Text(16)}, nil
}

func privateKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errKey
	}
	if key, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, is := parsed.(*ecdsa.PrivateKey); err == nil && is {
		return key, nil
	}
	return nil, errKey
}

// Sign returns a signature of the SHA-256 of data, in DER.
func Sign(text string, data []byte) ([]byte, error) {
	key, err := privateKey(text)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	return ecdsa.SignASN1(rand.Reader, key, sum[:])
}

// Verify reports whether a signature in DER is that of the key's owner.
func Verify(key PublicKey, data, signature []byte) bool {
	x, isNumber := new(big.Int).SetString(key.X, 16)
	y, isNumberToo := new(big.Int).SetString(key.Y, 16)
	if !isNumber || !isNumberToo || !elliptic.P256().IsOnCurve(x, y) {
		return false
	}
	sum := sha256.Sum256(data)
	public := ecdsa.PublicKey{Curve: elliptic.P256(), X: x, Y: y}
	return ecdsa.VerifyASN1(&public, sum[:], signature)
}
