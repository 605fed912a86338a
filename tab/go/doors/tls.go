package doors

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"
)

// Trust is how a client begins TLS; what is in PEM may have several certificates.
type Trust struct {
	// Name is the server's, also if it is an address.
	Name string
	// Authorities are all that the client trusts, in PEM; Insecure accepts any certificate.
	Authorities string
	Insecure    bool
	// AnyName accepts a certificate of another name.
	AnyName bool
	// Certificate and Key are the client's own, in PEM, or "".
	Certificate, Key string
}

// Session is what TLS has agreed on.
type Session struct {
	Stream int
	// Certificates are the server's, in DER, its own first.
	Certificates    [][]byte
	Version, Cipher string
}

// Secure begins TLS on a connection of which nothing was read. The stream of the session takes
// the place of the connection's, which is closed, as is the connection if this fails.
func (d *Doors) Secure(number int, trust Trust, limit time.Duration) (Session, error) {
	s, err := d.find(number)
	if err != nil {
		return Session{}, err
	}
	config, err := trust.config()
	if err != nil {
		return Session{}, err
	}
	ctx, cancel := limited(limit)
	defer cancel()
	connection := tls.Client(s.connection, config)
	d.mu.Lock()
	delete(d.streams, number)
	d.mu.Unlock()
	if err := connection.HandshakeContext(ctx); err != nil {
		s.connection.Close()
		if ctx.Err() != nil {
			err = context.DeadlineExceeded
		}
		return Session{}, err
	}
	state := connection.ConnectionState()
	session := Session{
		Stream:  d.add(newConnection(connection)),
		Version: tls.VersionName(state.Version), Cipher: tls.CipherSuiteName(state.CipherSuite),
	}
	for _, certificate := range state.PeerCertificates {
		session.Certificates = append(session.Certificates, certificate.Raw)
	}
	return session, nil
}

func (t Trust) config() (*tls.Config, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(t.Authorities))
	// Go looks at the name first, and OpenSSL at the chain: what both dislike has to be
	// refused by OpenSSL's reason.
	config := &tls.Config{ServerName: t.Name, InsecureSkipVerify: true}
	if !t.Insecure {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			return t.verify(state.PeerCertificates, roots)
		}
	}
	if t.Certificate == "" {
		return config, nil
	}
	pair, err := tls.X509KeyPair([]byte(t.Certificate), []byte(t.Key))
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// verify is what crypto/tls does, in OpenSSL's order.
func (t Trust) verify(chain []*x509.Certificate, roots *x509.CertPool) error {
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	if err == nil && !t.AnyName {
		err = chain[0].VerifyHostname(t.Name)
	}
	if err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// OpenSSL's numbers for a certificate that is refused.
const (
	notYetValid   = 9
	expired       = 10
	selfSigned    = 18
	unknownRoot   = 19
	unknownIssuer = 20
	otherPurpose  = 26
	otherName     = 62
	otherAddress  = 64
)

// VerifyCode returns OpenSSL's number for an error of Secure, or 0 if the certificate was not
// refused.
func VerifyCode(err error, now time.Time) int {
	var verification *tls.CertificateVerificationError
	if !errors.As(err, &verification) {
		return 0
	}
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		if isAddress(name.Host) {
			return otherAddress
		}
		return otherName
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if now.Before(invalid.Cert.NotBefore) {
			return notYetValid
		}
		return expired
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return otherPurpose
	}
	chain := verification.UnverifiedCertificates
	for i, certificate := range chain {
		if string(certificate.RawIssuer) != string(certificate.RawSubject) {
			continue
		}
		if i == 0 {
			return selfSigned
		}
		return unknownRoot
	}
	return unknownIssuer
}
