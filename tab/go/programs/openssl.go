package programs

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"
)

// openSSLWords are the options of a command of openssl: with a value or without.
type openSSLWords struct {
	valued, flags string
}

var (
	clientWords = openSSLWords{
		"connect CAfile nameopt servername verify_hostname cert key",
		"brief showcerts quiet verify_return_error no_ign_eof ign_eof tls1_2 tls1_3",
	}
	certificateWords = openSSLWords{
		"in ext nameopt inform outform",
		"noout subject issuer dates startdate enddate serial fingerprint sha256 sha1",
	}
)

// openSSL is `openssl s_client` and `openssl x509`, with options of the kind -word.
func openSSL(r *run) int {
	if len(r.Args) < 2 {
		return r.fail(1, "use s_client or x509")
	}
	var main func(openSSLOptions) int
	words := clientWords
	switch name := r.Args[1]; name {
	case "version":
		r.print("OpenSSL's words, by Go's crypto/tls")
		return 0
	case "s_client":
		main = r.openSSLClient
	case "x509":
		main, words = r.openSSLCertificate, certificateWords
	default:
		return r.fail(1, "Error: Invalid command '%s': only s_client and x509 are here", name)
	}
	o := openSSLOptions{values: map[string]string{}}
	for args := r.Args[2:]; len(args) > 0; args = args[1:] {
		name, isOption := strings.CutPrefix(args[0], "-")
		switch {
		case isOption && slices.Contains(strings.Fields(words.flags), name):
			o.flags = append(o.flags, name)
		case isOption && len(args) > 1 && slices.Contains(strings.Fields(words.valued), name):
			o.values[name] = args[1]
			args = args[1:]
		default:
			fmt.Fprintf(r.Stderr, "%s: Unknown option: %s\n", r.Args[1], args[0])
			return 1
		}
	}
	return main(o)
}

type openSSLOptions struct {
	flags  []string
	values map[string]string
}

func (o openSSLOptions) has(name string) bool { return slices.Contains(o.flags, name) }

// name returns the name of a certificate in the form of -nameopt.
func (o openSSLOptions) name(raw []byte) string {
	parts := strings.Split(nameText(raw, "\x00"), "\x00")
	if strings.Contains(strings.ToLower(o.values["nameopt"]), "rfc2253") {
		slices.Reverse(parts)
		return strings.Join(parts, ",")
	}
	for i, part := range parts {
		parts[i] = strings.Replace(part, "=", " = ", 1)
	}
	return strings.Join(parts, ", ")
}

const openSSLTime = "Jan _2 15:04:05 2006 GMT"

// openSSLClient connects to a server and shows its certificates.
func (r *run) openSSLClient(o openSSLOptions) int {
	host, port, err := net.SplitHostPort(o.values["connect"])
	if err != nil {
		host, port = "localhost", "4433"
	}
	addresses, err := r.lookupHost(host)
	if err != nil || len(addresses) == 0 {
		fmt.Fprintf(r.Stderr, "getaddrinfo: Name or service not known\nconnect:errno=22\n")
		return 1
	}
	connection, err := r.Machine.Dial(r.ctx, "tcp", net.JoinHostPort(addresses[0], port))
	if err != nil {
		fmt.Fprintf(r.Stderr, "connect: %s\nconnect:errno=111\n", dialReason(err))
		return 1
	}
	defer connection.Close()
	defer context.AfterFunc(r.ctx, func() { connection.Close() })()
	roots := x509.NewCertPool()
	if name := o.values["CAfile"]; name != "" {
		text, err := r.ReadFile(name)
		if err != nil || !roots.AppendCertsFromPEM(text) {
			return r.fail(1, "Could not open file or uri for loading certs of %s", name)
		}
	}
	if name := o.values["servername"]; name != "" {
		host = name
	}
	config := &tls.Config{ServerName: host, InsecureSkipVerify: true}
	if name := o.values["cert"]; name != "" {
		certificate, err := r.ReadFile(name)
		key := certificate
		if o.values["key"] != "" && err == nil {
			key, err = r.ReadFile(o.values["key"])
		}
		pair, pairErr := tls.X509KeyPair(certificate, key)
		if err != nil || pairErr != nil {
			return r.fail(1, "Could not read client certificate of %s", name)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	secure := tls.Client(connection, config)
	if err := secure.HandshakeContext(r.ctx); err != nil {
		r.printf("CONNECTED(00000003)\n---\nno peer certificate available\n---\n")
		return r.fail(1, "%s", err)
	}
	state := secure.ConnectionState()
	result, chain := chainToRoot(state.PeerCertificates, roots)
	if name := o.values["verify_hostname"]; result == verified && name != "" &&
		!matchesHost(state.PeerCertificates[0], name) {
		result = hostnameMismatch
	}
	if o.has("brief") {
		r.briefly(o, state, result)
	} else {
		r.atLength(o, state, result, chain)
	}
	if !o.has("ign_eof") {
		// It sends what it reads, and ends with its input.
		go io.Copy(r.Stdout, secure)
		io.Copy(secure, r.in)
	}
	if !o.has("brief") && !o.has("quiet") {
		fmt.Fprintln(r.Stderr, "DONE")
	}
	return 0
}

// verificationText returns the result of a verification.
func verificationText(result verification) string {
	if result == verified {
		return "OK"
	}
	return "error: " + result.text
}

func (r *run) briefly(o openSSLOptions, state tls.ConnectionState, result verification) {
	r.out.Flush()
	leaf := state.PeerCertificates[0]
	fmt.Fprintf(r.Stderr, "CONNECTION ESTABLISHED\nProtocol version: %s\nCiphersuite: %s\n"+
		"Peer certificate: %s\nVerification%s %s\n",
		tlsVersion(state), tls.CipherSuiteName(state.CipherSuite),
		o.name(leaf.RawSubject), map[bool]string{true: ":", false: ""}[result == verified],
		verificationText(result))
	if name := o.values["verify_hostname"]; name != "" && result == verified {
		fmt.Fprintf(r.Stderr, "Verified peername: %s\n", name)
	}
}

func (r *run) atLength(
	o openSSLOptions, state tls.ConnectionState, result verification, chain []*x509.Certificate,
) {
	leaf := state.PeerCertificates[0]
	r.print("CONNECTED(00000003)")
	r.out.Flush()
	if result != verified {
		fmt.Fprintf(r.Stderr, "depth=0 %s\nverify error:num=%d:%s\nverify return:1\n",
			o.name(leaf.RawSubject), result.code, result.text)
	}
	for depth, certificate := range slices.Backward(chain) {
		fmt.Fprintf(r.Stderr, "depth=%d %s\nverify return:1\n", depth,
			o.name(certificate.RawSubject))
	}
	r.print("---\nCertificate chain")
	for i, certificate := range state.PeerCertificates {
		r.printf("%2d s:%s\n   i:%s\n   a:PKEY: %s; sigalg: %s\n"+
			"   v:NotBefore: %s; NotAfter: %s\n", i,
			o.name(certificate.RawSubject), o.name(certificate.RawIssuer), keyText(certificate),
			certificate.SignatureAlgorithm, certificate.NotBefore.UTC().Format(openSSLTime),
			certificate.NotAfter.UTC().Format(openSSLTime))
		if o.has("showcerts") {
			r.writePEM(certificate)
		}
	}
	r.print("---\nServer certificate")
	r.writePEM(leaf)
	r.printf("subject=%s\nissuer=%s\n---\n", o.name(leaf.RawSubject), o.name(leaf.RawIssuer))
	r.printf("Verification: %s\n---\n", verificationText(result))
	r.printf("New, %s, Cipher is %s\n", tlsVersion(state), tls.CipherSuiteName(state.CipherSuite))
	r.printf("Verify return code: %d (%s)\n---\n", result.code, result.text)
	r.out.Flush()
}

func (r *run) writePEM(certificate *x509.Certificate) {
	pem.Encode(r.out, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}

func keyText(certificate *x509.Certificate) string {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("rsaEncryption, %d (bit)", key.N.BitLen())
	case *ecdsa.PublicKey:
		return fmt.Sprintf("id-ecPublicKey, %d (bit)", key.Params().BitSize)
	}
	return certificate.PublicKeyAlgorithm.String()
}

// openSSLCertificate shows parts of a certificate.
func (r *run) openSSLCertificate(o openSSLOptions) int {
	name := "-"
	if o.values["in"] != "" {
		name = o.values["in"]
	}
	file, err := r.open(name)
	if err != nil {
		return r.fail(1, "Could not open file or uri for loading certificate from %s: %s", name,
			reason(err))
	}
	text, _ := io.ReadAll(file)
	file.Close()
	block, _ := pem.Decode(text)
	for block != nil && block.Type != "CERTIFICATE" {
		block, text = pem.Decode(text)
	}
	if block == nil {
		fmt.Fprintf(r.Stderr, "Could not read certificate from %s\nUnable to load certificate\n",
			strings.Replace(name, "-", "<stdin>", 1))
		return 1
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return r.fail(1, "Unable to load certificate: %s", err)
	}
	date := func(moment time.Time) string { return moment.UTC().Format(openSSLTime) }
	for _, flag := range o.flags {
		switch flag {
		case "subject":
			r.print("subject=" + o.name(certificate.RawSubject))
		case "issuer":
			r.print("issuer=" + o.name(certificate.RawIssuer))
		case "serial":
			r.printf("serial=%X\n", certificate.SerialNumber)
		case "fingerprint":
			if o.has("sha256") {
				r.printf("sha256 Fingerprint=%s\n", withColons(sha256.Sum256(certificate.Raw)))
			} else {
				r.printf("sha1 Fingerprint=%s\n", withColons(sha1.Sum(certificate.Raw)))
			}
		case "dates", "startdate", "enddate":
			if flag != "enddate" {
				r.print("notBefore=" + date(certificate.NotBefore))
			}
			if flag != "startdate" {
				r.print("notAfter=" + date(certificate.NotAfter))
			}
		}
	}
	if wanted := o.values["ext"]; wanted != "" && !r.writeExtensions(certificate, wanted) {
		fmt.Fprintln(r.Stderr, "No extensions matching: "+wanted)
	}
	if !o.has("noout") {
		r.writePEM(certificate)
	}
	return 0
}

// withColons returns a digest as pairs of digits.
func withColons(digest any) string {
	digits := fmt.Sprintf("%X", digest)
	return strings.Join(slices.Collect(func(yield func(string) bool) {
		for i := 0; i < len(digits) && yield(digits[i:i+2]); i += 2 {
		}
	}), ":")
}

var (
	usageNames = []string{
		"Digital Signature", "Non Repudiation", "Key Encipherment", "Data Encipherment",
		"Key Agreement", "Certificate Sign", "CRL Sign",
	}
	extendedUsageNames = map[x509.ExtKeyUsage]string{
		x509.ExtKeyUsageServerAuth: "TLS Web Server Authentication",
		x509.ExtKeyUsageClientAuth: "TLS Web Client Authentication",
	}
)

// writeExtensions writes extensions of a certificate; it reports whether there is one.
func (r *run) writeExtensions(certificate *x509.Certificate, wanted string) bool {
	names := []string{}
	for _, name := range certificate.DNSNames {
		names = append(names, "DNS:"+name)
	}
	for _, address := range certificate.IPAddresses {
		names = append(names, "IP Address:"+address.String())
	}
	usages := []string{}
	for bit, name := range usageNames {
		if certificate.KeyUsage&(1<<bit) != 0 {
			usages = append(usages, name)
		}
	}
	extended := []string{}
	for _, usage := range certificate.ExtKeyUsage {
		extended = append(extended, extendedUsageNames[usage])
	}
	constraints := []string{}
	if certificate.BasicConstraintsValid {
		constraints = append(constraints, "CA:"+strings.ToUpper(fmt.Sprint(certificate.IsCA)))
	}
	isCritical := func(id string) string {
		for _, extension := range certificate.Extensions {
			if extension.Id.String() == id && extension.Critical {
				return "critical"
			}
		}
		return ""
	}
	found := false
	for _, extension := range []struct {
		name, title, id string
		values          []string
	}{
		{"keyUsage", "X509v3 Key Usage", "2.5.29.15", usages},
		{"extendedKeyUsage", "X509v3 Extended Key Usage", "2.5.29.37", extended},
		{"basicConstraints", "X509v3 Basic Constraints", "2.5.29.19", constraints},
		{"subjectAltName", "X509v3 Subject Alternative Name", "2.5.29.17", names},
	} {
		isWanted := slices.Contains(strings.Split(wanted, ","), extension.name)
		if isWanted && len(extension.values) > 0 {
			found = true
			r.printf("%s: %s\n    %s\n", extension.title, isCritical(extension.id),
				strings.Join(extension.values, ", "))
		}
	}
	return found
}
