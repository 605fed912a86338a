package programs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// verification is what OpenSSL says of a certificate: its number and its words.
type verification struct {
	code int
	text string
}

var (
	verified         = verification{0, "ok"}
	notYetValid      = verification{9, "certificate is not yet valid"}
	expired          = verification{10, "certificate has expired"}
	selfSigned       = verification{18, "self-signed certificate"}
	selfSignedChain  = verification{19, "self-signed certificate in certificate chain"}
	noIssuer         = verification{20, "unable to get local issuer certificate"}
	invalidCA        = verification{79, "invalid CA certificate"}
	wrongPurpose     = verification{26, "unsuitable certificate purpose"}
	hostnameMismatch = verification{62, "hostname mismatch"}
)

func isSelfSigned(certificate *x509.Certificate) bool {
	return string(certificate.RawSubject) == string(certificate.RawIssuer) &&
		certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate,
			certificate.Signature) == nil
}

// verifyChain judges the certificates of a server by the authorities, as OpenSSL does; it
// compares no names.
func verifyChain(chain []*x509.Certificate, roots *x509.CertPool) verification {
	result, _ := chainToRoot(chain, roots)
	return result
}

// chainToRoot does so and returns the chain that leads to an authority.
func chainToRoot(
	chain []*x509.Certificate, roots *x509.CertPool,
) (verification, []*x509.Certificate) {
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	chains, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	var invalid x509.CertificateInvalidError
	switch {
	case err == nil:
		return verified, chains[0]
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return notYetValid, nil
		}
		return expired, nil
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return wrongPurpose, nil
	case errors.As(err, &invalid) && invalid.Reason == x509.NotAuthorizedToSign:
		return invalidCA, nil
	case len(chain) == 1 && isSelfSigned(chain[0]):
		return selfSigned, nil
	case isSelfSigned(chain[len(chain)-1]):
		return selfSignedChain, nil
	}
	return noIssuer, nil
}

// matchesHost reports whether a certificate is for a host: by its alternative names, or without
// any by its common name.
func matchesHost(certificate *x509.Certificate, host string) bool {
	if len(certificate.DNSNames)+len(certificate.IPAddresses) == 0 {
		return strings.EqualFold(certificate.Subject.CommonName, host)
	}
	return certificate.VerifyHostname(host) == nil
}

// authorities returns those of the file that an option or a variable names, and that file.
func (t *curlTransfer) authorities() (*x509.CertPool, string, *curlError) {
	roots, name := x509.NewCertPool(), t.values["cacert"]
	for _, variable := range []string{"CURL_CA_BUNDLE", "SSL_CERT_FILE"} {
		if name == "" {
			name = t.Getenv(variable)
		}
	}
	if name == "" {
		return roots, "", nil
	}
	text, err := t.ReadFile(name)
	if (err != nil || !roots.AppendCertsFromPEM(text)) && !t.flags["insecure"] {
		return nil, name, failure(77, "error setting certificate file: %s", name)
	}
	return roots, name, nil
}

// clientCertificate returns the certificate and key of --cert and --key.
func (t *curlTransfer) clientCertificate() ([]tls.Certificate, *curlError) {
	name, keyName := t.values["cert"], t.values["key"]
	if name == "" {
		return nil, nil
	}
	// What follows a colon is a password.
	name, _, _ = strings.Cut(name, ":")
	text, err := t.ReadFile(name)
	if err != nil {
		return nil, failure(58, "could not load PEM client certificate from %s, OpenSSL error "+
			"error:80000002:system library::No such file or directory, "+
			"(no key found, wrong pass phrase, or wrong file format?)", name)
	}
	if block, _ := pem.Decode(text); block == nil {
		return nil, failure(58, "could not load PEM client certificate from %s, OpenSSL error "+
			"error:0480006C:PEM routines::no start line, "+
			"(no key found, wrong pass phrase, or wrong file format?)", name)
	}
	if keyName == "" {
		keyName = name
	}
	key, err := t.ReadFile(keyName)
	if err != nil {
		return nil, failure(58, "unable to set private key file: '%s' type PEM", keyName)
	}
	pair, err := tls.X509KeyPair(text, key)
	if err != nil {
		return nil, failure(58, "unable to set private key file: '%s' type PEM", keyName)
	}
	return []tls.Certificate{pair}, nil
}

// shakeHands begins TLS on a connection and verifies the server.
func (t *curlTransfer) shakeHands(
	ctx context.Context, connection net.Conn, address string,
) (*tls.Conn, error) {
	ctx, cancel := t.connectContext(ctx)
	defer cancel()
	roots, name, failed := t.authorities()
	if failed != nil {
		return nil, failed
	}
	certificates, failed := t.clientCertificate()
	if failed != nil {
		return nil, failed
	}
	host, _, _ := net.SplitHostPort(address)
	config := &tls.Config{
		ServerName: host, Certificates: certificates, NextProtos: []string{"h2", "http/1.1"},
		// Verified below, in OpenSSL's words.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			return t.verifyServer(&state, roots, host)
		},
	}
	if t.flags["http1.1"] {
		config.NextProtos = config.NextProtos[1:]
	}
	if t.flags["tlsv1.3"] {
		config.MinVersion = tls.VersionTLS13
	}
	if t.values["tls-max"] == "1.2" {
		config.MaxVersion = tls.VersionTLS12
	}
	t.note("ALPN: curl offers %s", strings.Join(config.NextProtos, ","))
	if name != "" && !t.flags["insecure"] {
		t.note(" CAfile: %s", name)
		t.note(" CApath: none")
	}
	secure := tls.Client(connection, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, t.failedHandshake(ctx, err, address)
	}
	state := secure.ConnectionState()
	t.state, t.handshake = &state, time.Since(t.begin)
	return secure, nil
}

// verifyServer verifies the certificates of a server, and its name.
func (t *curlTransfer) verifyServer(
	state *tls.ConnectionState, roots *x509.CertPool, host string,
) error {
	certificate := state.PeerCertificates[0]
	t.verify = verifyChain(state.PeerCertificates, roots)
	matches := matchesHost(certificate, host)
	t.noteCertificate(state, matches, host)
	switch {
	case t.flags["insecure"]:
		return nil
	case t.verify != verified:
		return failure(60, "SSL certificate problem: %s", t.verify.text)
	case matches:
		return nil
	case len(certificate.DNSNames)+len(certificate.IPAddresses) == 0:
		return failure(60, "SSL: certificate subject name '%s' does not match target host name "+
			"'%s'", certificate.Subject.CommonName, host)
	}
	kind := "host name"
	if ip := net.ParseIP(host); ip != nil {
		if kind = "ipv4 address"; ip.To4() == nil {
			kind = "ipv6 address"
		}
	}
	return failure(60, "SSL: no alternative certificate subject name matches target %s '%s'",
		kind, host)
}

// noteCertificate writes what -v shows of a certificate.
func (t *curlTransfer) noteCertificate(state *tls.ConnectionState, matches bool, host string) {
	certificate := state.PeerCertificates[0]
	if !t.flags["insecure"] && t.verify != verified {
		return
	}
	t.note("SSL connection using %s / %s", tlsVersion(*state),
		tls.CipherSuiteName(state.CipherSuite))
	if state.NegotiatedProtocol != "" {
		t.note("ALPN: server accepted %s", state.NegotiatedProtocol)
	}
	t.note("Server certificate:")
	t.note(" subject: %s", nameText(certificate.RawSubject, "; "))
	t.note(" start date: %s", certificate.NotBefore.UTC().Format("Jan _2 15:04:05 2006 GMT"))
	t.note(" expire date: %s", certificate.NotAfter.UTC().Format("Jan _2 15:04:05 2006 GMT"))
	if !t.flags["insecure"] && matches {
		t.note(" subjectAltName: host %q matched cert's %q", host, host)
	}
	t.note(" issuer: %s", nameText(certificate.RawIssuer, "; "))
	if t.verify == verified {
		t.note(" SSL certificate verify ok.")
	} else {
		t.note(" SSL certificate verify result: %s (%d), continuing anyway.", t.verify.text,
			t.verify.code)
	}
}

// tlsVersion returns the version of TLS in OpenSSL's form.
func tlsVersion(state tls.ConnectionState) string {
	return strings.Replace(tls.VersionName(state.Version), " ", "v", 1)
}

// nameText returns the name of a certificate in the order in which it is written there.
func nameText(raw []byte, joint string) string {
	short := map[string]string{
		"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O",
		"2.5.4.11": "OU", "2.5.4.5": "serialNumber",
	}
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &name); err != nil {
		return ""
	}
	var parts []string
	for _, set := range name {
		for _, attribute := range set {
			label := short[attribute.Type.String()]
			if label == "" {
				label = attribute.Type.String()
			}
			parts = append(parts, fmt.Sprintf("%s=%v", label, attribute.Value))
		}
	}
	return strings.Join(parts, joint)
}

// alerts has OpenSSL's words for an alert of the server by Go's.
var alerts = map[string]string{
	"handshake failure":              "0A000410:SSL routines::sslv3 alert handshake failure",
	"bad certificate":                "0A000412:SSL routines::sslv3 alert bad certificate",
	"expired certificate":            "0A000415:SSL routines::sslv3 alert certificate expired",
	"unknown certificate":            "0A000416:SSL routines::sslv3 alert certificate unknown",
	"unknown certificate authority":  "0A000418:SSL routines::tlsv1 alert unknown ca",
	"protocol version not supported": "0A00042E:SSL routines::tlsv1 alert protocol version",
	"internal error":                 "0A000438:SSL routines::tlsv1 alert internal error",
	"unrecognized name":              "0A000458:SSL routines::tlsv1 unrecognized name",
	"certificate required":           "0A00045C:SSL routines::tlsv13 alert certificate required",
}

// alertWords returns OpenSSL's words if an error is an alert of the server, or "".
func alertWords(err error) string {
	_, text, isAlert := strings.Cut(err.Error(), "remote error: tls: ")
	if !isAlert {
		return ""
	}
	if words := alerts[text]; words != "" {
		return "error:" + words
	}
	return "error:0A000000:SSL routines::" + text
}

// failedHandshake returns curl's error for one of Go's.
func (t *curlTransfer) failedHandshake(ctx context.Context, err error, address string) error {
	var own *curlError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &own):
		return own
	case isTimeout(ctx):
		return failure(28, "SSL connection timeout")
	case ctx.Err() != nil:
		return err
	case errors.As(err, &record):
		return failure(35, "TLS connect error: error:0A00010B:SSL routines::wrong version number")
	case alertWords(err) != "":
		return failure(35, "TLS connect error: %s", alertWords(err))
	case errors.Is(err, syscall.ECONNRESET):
		return failure(35, "Recv failure: Connection reset by peer")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return failure(35, "TLS connect error: error:0A000126:SSL routines::unexpected eof while "+
			"reading")
	}
	return failure(35, "TLS connect error: %s", err)
}
