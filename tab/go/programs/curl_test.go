package programs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// authority signs certificates; each is in PEM, with its key.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, _ := x509.ParseCertificate(raw)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	return &authority{certificate, key, text}
}

// sign returns a certificate and its key in PEM.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (certificate, key []byte) {
	t.Helper()
	own, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
		template.NotAfter = time.Now().Add(time.Hour)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	bytes, _ := x509.MarshalPKCS8PrivateKey(own)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes})
}

// answer is the handler of the servers that both curls ask.
func answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/echo":
		names := []string{}
		for name, values := range r.Header {
			names = append(names, fmt.Sprintf("%s: %s\n", name, strings.Join(values, ", ")))
		}
		slices.Sort(names)
		user := ""
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			user = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s %s %s %s %d %s\n%s%s", r.Method, r.URL.RequestURI(), r.Host, r.Proto,
			r.ContentLength, user, strings.Join(names, ""), body)
	case "/missing":
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Audit-Id", "1")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"code": 404}`)
	case "/away":
		http.Redirect(w, r, "/echo?next", http.StatusFound)
	case "/loop":
		http.Redirect(w, r, "/loop", http.StatusFound)
	case "/slow":
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusOK)
		io.WriteString(w, "begun\n")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	case "/silent":
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
	case "/short":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "begun\n")
	case "/empty":
		w.WriteHeader(http.StatusNoContent)
	case "/reset":
		if hijacker, is := w.(http.Hijacker); is {
			connection, _, _ := hijacker.Hijack()
			connection.(*net.TCPConn).SetLinger(0)
			connection.Close()
		}
	case "/hangup":
		if hijacker, is := w.(http.Hijacker); is {
			connection, _, _ := hijacker.Hijack()
			connection.Close()
		}
	}
}

// site is a server for plain HTTP, one for HTTPS, and others whose certificates are wrong, with
// the files of the tests.
type site struct{ addresses map[string]string }

func newSite(t *testing.T) (*site, map[string][]byte) {
	t.Helper()
	ours, others := newAuthority(t, "kubernetes"), newAuthority(t, "kubernetes")
	names := func(name string) *x509.Certificate {
		return &x509.Certificate{
			Subject:     pkix.Name{Organization: []string{"test"}, CommonName: name},
			DNSNames:    []string{"localhost", "kubernetes"},
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	old := names("old")
	old.NotBefore, old.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	other := names("other")
	other.DNSNames, other.IPAddresses = []string{"other.example"}, nil
	bare := names("localhost")
	bare.DNSNames, bare.IPAddresses = nil, nil
	s := &site{map[string]string{}}
	pool := x509.NewCertPool()
	pool.AddCert(ours.certificate)
	for name, template := range map[string]*x509.Certificate{
		"HTTPS": names("server"), "OLD": old, "OTHER": other, "BARE": bare,
	} {
		certificate, key := ours.sign(t, template)
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(http.HandlerFunc(answer))
		server.EnableHTTP2 = true
		server.Config.ErrorLog = newSilentLog()
		server.TLS = &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool,
			ClientAuth: tls.VerifyClientCertIfGiven,
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		s.addresses[name] = server.Listener.Addr().String()
	}
	plain := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(plain.Close)
	s.addresses["HTTP"] = plain.Listener.Addr().String()
	closed, _ := net.Listen("tcp", "127.0.0.1:0")
	s.addresses["CLOSED"] = closed.Addr().String()
	closed.Close()
	user, key := ours.sign(t, names("jane"))
	stranger, strangerKey := others.sign(t, names("eve"))
	return s, map[string][]byte{
		"ca.crt": ours.pem, "other.crt": others.pem, "jane.crt": user, "jane.key": key,
		"eve.crt": stranger, "eve.key": strangerKey, "nonsense": []byte("nonsense\n"),
		"both.pem": append(user, key...), "body": []byte("a\nb\r\nc"),
		"header": []byte("X-One: 1\nX-Two: 2\n"),
	}
}

var (
	milliseconds = regexp.MustCompile(`\d+ ms|\d+ milliseconds`)
	version      = regexp.MustCompile(`curl/[\d.]+`)
	library      = regexp.MustCompile(`OpenSSL/[\d.]+: `)
	refused      = regexp.MustCompile(`URL rejected: [^\n]+`)
	dates        = regexp.MustCompile(`(?i)date: [^\r\n]+`)
)

// normalize makes the answers of two versions of curl the same where that does not matter.
func normalize(text string) string {
	text = milliseconds.ReplaceAllString(text, "N ms")
	text = version.ReplaceAllString(text, "curl/N")
	text = dates.ReplaceAllString(text, "date: N")
	text = library.ReplaceAllString(text, "")
	text = refused.ReplaceAllString(text, "URL using bad/illegal format or missing URL")
	return strings.NewReplacer(
		// curl 7.88 and before
		"Couldn't connect to server", "Could not connect to server", "web page", "webpage",
		"(35) error:", "(35) TLS connect error: error:", " or 'curl --manual'", "",
		"curl: no URL specified!", "curl: (2) no URL specified",
		"transfer closed with 94 bytes remaining to read", "end of response with 94 bytes missing",
		"target host name '127.0.0.1'", "target ipv4 address '127.0.0.1'",
		" or disabled in libcurl", "",
		// Go tells the length of a POST, a PUT and a PATCH without content, too.
		"Content-Length: 0\n", "",
	).Replace(text)
}

// TestCurl compares with curl, line by line: output, messages and exit codes. $HTTPS and the
// like are addresses.
func TestCurl(t *testing.T) {
	genuine, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl here")
	}
	s, files := newSite(t)
	m := newMachine(t)
	root := m.Files.Path("/root")
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket, err := net.Listen("unix", filepath.Join(root, "plain.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(answer)}
	go server.Serve(socket)
	t.Cleanup(func() { server.Close() })
	for _, line := range table(t, "curl.txt", "\n") {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			words := strings.Split(line, " ")
			for i, word := range words {
				for name, address := range s.addresses {
					_, port, _ := net.SplitHostPort(address)
					word = strings.ReplaceAll(word, "localhost:$"+name, "localhost:"+port)
					word = regexp.MustCompile(`\$`+name+`\b`).ReplaceAllString(word, address)
				}
				words[i] = word
			}
			const stdin = "From: stdin\n"
			command := exec.Command(genuine, words...)
			command.Dir, command.Env = root, []string{"HOME=/nonexistent"}
			command.Stdin = strings.NewReader(stdin)
			var stdout, stderr strings.Builder
			command.Stdout, command.Stderr = &stdout, &stderr
			command.Run()
			code := command.ProcessState.ExitCode()
			ours := runWords(t, m, strings.NewReader(stdin), append([]string{"curl"}, words...)...)
			if normalize(ours.stdout) != normalize(stdout.String()) || ours.code != code {
				t.Errorf("ours %q %q %d\ncurl %q %q %d", ours.stdout, ours.stderr, ours.code,
					stdout.String(), stderr.String(), code)
			} else if normalize(ours.stderr) != normalize(stderr.String()) {
				t.Errorf("only stderr: ours %q\ncurl %q", ours.stderr, stderr.String())
			}
		})
	}
}

// TestCurlNeedsItsFiles has what curl 8 refuses, and curl 7 sends without content.
func TestCurlNeedsItsFiles(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, option := range []string{
		"-d", "--data-binary", "-H", "--json", "--data-urlencode", "--url-query",
	} {
		ours := runWords(t, m, nil, "curl", option, "@nosuch", "http://x")
		if ours.code != 26 || !strings.Contains(ours.stderr, "reading a file") {
			t.Error(option, ours)
		}
	}
}

func TestCurlMeasures(t *testing.T) {
	t.Parallel()
	s, files := newSite(t)
	m := newMachine(t)
	os.WriteFile(filepath.Join(m.Files.Path("/root"), "ca.crt"), files["ca.crt"], 0o600)
	_, port, _ := net.SplitHostPort(s.addresses["HTTPS"])
	ours := runWords(t, m, nil, "curl", "-s", "--cacert", "ca.crt", "-o", "/dev/null",
		"-w", "%{stderr}%{json}", "https://kubernetes:"+port+"/missing")
	var facts map[string]any
	if err := json.Unmarshal([]byte(ours.stderr), &facts); err != nil {
		t.Fatal(err, ours)
	}
	last := 0.0
	for _, name := range []string{"namelookup", "connect", "appconnect", "starttransfer", "total"} {
		moment := facts["time_"+name].(float64)
		if moment <= 0 || moment < last {
			t.Errorf("%s: %v after %v", name, moment, last)
		}
		last = moment
	}
	if facts["http_code"] != 404.0 || facts["remote_ip"] != "127.0.0.1" {
		t.Error(facts)
	}
}

func TestCurlStreamsAndStops(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	reader, writer := io.Pipe()
	done := make(chan int)
	go func() {
		done <- newMachine(t).Run(ctx, &Process{
			Args: []string{"curl", "-sN", s.addresses["HTTP"] + "/slow"}, Dir: "/",
			Stdout: writer, Stderr: io.Discard,
		})
	}()
	buffer := make([]byte, 20)
	count, _ := reader.Read(buffer)
	if text := string(buffer[:count]); text != "begun\n" {
		t.Error(text)
	}
	cancel(SIGINT)
	if code := <-done; code != 130 {
		t.Error(code)
	}
}

func TestCurlShowsTheCertificate(t *testing.T) {
	t.Parallel()
	s, _ := newSite(t)
	ours := runScript(t, newMachine(t), "curl -sSkv https://"+s.addresses["HTTPS"]+
		"/empty 2>&1 | grep -A 5 'Server certificate'")
	pattern := regexp.MustCompile(`^\* Server certificate:
\*  subject: O=test; CN=server
\*  start date: \w+ .\d \S+ \d+ GMT
\*  expire date: .*
\*  issuer: CN=kubernetes
\*  SSL certificate verify result: unable to get local issuer certificate \(20\), continuing anyway.
$`)
	if !pattern.MatchString(ours.stdout) {
		t.Error(ours)
	}
}
