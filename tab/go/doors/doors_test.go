package doors

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tab/programs"
)

// allFiles is a machine with the files of this process.
type allFiles struct{}

func (allFiles) Path(name string) string { return name }
func (allFiles) Refuses(string) error    { return nil }

func newDoors() *Doors {
	return New(&programs.Machine{
		Hostname: "tab", Files: allFiles{}, Programs: programs.All(),
		LookupHost: func(_ context.Context, name string) ([]string, error) {
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		},
		Dial: (&net.Dialer{}).DialContext,
	})
}

// serve answers each connection until the test ends, and returns the address.
func serve(t *testing.T, listener net.Listener, answer func(net.Conn)) string {
	t.Helper()
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				answer(connection)
			}()
		}
	}()
	return listener.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func echo(connection net.Conn) { io.Copy(connection, connection) }

func TestAConnectionCarriesBytesBothWays(t *testing.T) {
	d := newDoors()
	stream, err := d.Connect("tcp", serve(t, listen(t), echo), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if d.IsReadable(stream) {
		t.Error("nothing was sent, and the stream is readable")
	}
	if _, err := d.Read(stream, 10, time.Millisecond); ProblemOf(err).Kind != "timeout" {
		t.Errorf("a read of nothing: %v", err)
	}
	if err := d.Write(stream, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"hel", "lo"} {
		if got, err := d.Read(stream, 3, time.Second); string(got) != want {
			t.Errorf("read %q, %v", got, err)
		}
	}
	d.Close(stream)
	d.Close(stream)
	if _, err := d.Read(stream, 1, 0); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a read of a closed stream: %v", err)
	}
}

func TestTheEndOfAConnectionIsReadable(t *testing.T) {
	d := newDoors()
	stream, err := d.Connect("tcp", serve(t, listen(t), func(net.Conn) {}), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := d.Read(stream, 1, 0); len(got) != 0 || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if !d.IsReadable(stream) {
		t.Error("the end is not readable")
	}
}

func TestAConnectionThatIsRefused(t *testing.T) {
	listener := listen(t)
	listener.Close()
	_, err := newDoors().Connect("tcp", listener.Addr().String(), time.Second)
	if problem := ProblemOf(err); problem.Kind != "errno" || problem.Name != "ECONNREFUSED" {
		t.Errorf("%+v", problem)
	}
	_, err = newDoors().Lookup("nowhere")
	if problem := ProblemOf(err); problem.Kind != "name" {
		t.Errorf("%+v", problem)
	}
}

func TestAReaderBoundsWhatArrives(t *testing.T) {
	d, total := newDoors(), 3*capacity
	address := serve(t, listen(t), func(connection net.Conn) {
		connection.Write(make([]byte, total))
	})
	stream, err := d.Connect("tcp", address, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for {
		bytes, err := d.Read(stream, 1<<20, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if len(bytes) == 0 {
			break
		}
		count += len(bytes)
	}
	if count != total {
		t.Errorf("read %d of %d bytes", count, total)
	}
}

// authority makes certificates; its own is Root.
type authority struct {
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	pem  string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{key, root, asPEM(der)}
}

func asPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// pair returns a certificate that is valid for a time from now.
func (a authority) pair(t *testing.T, valid time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
		DNSNames: []string{"kubernetes"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// refusalOf returns what a client with this trust says of a server with these certificates.
func refusalOf(t *testing.T, pair tls.Certificate, trust Trust) Problem {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	d := newDoors()
	stream, err := d.Connect("tcp", serve(t, tls.NewListener(listen(t), config), echo), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	session, err := d.Secure(stream, trust, 10*time.Second)
	if err != nil {
		return ProblemOf(err)
	}
	if err := d.Write(session.Stream, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if got, _ := d.Read(session.Stream, 5, time.Second); string(got) != "hello" {
		t.Errorf("read %q", got)
	}
	if len(session.Certificates) != len(pair.Certificate) || session.Version != "TLS 1.3" {
		t.Errorf("the session is %+v", session)
	}
	return Problem{}
}

func TestACertificateIsRefusedAsOpenSSLRefusesIt(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	both := other.pem + ours.pem
	good, old := ours.pair(t, time.Hour), ours.pair(t, -time.Minute)
	withRoot := good
	withRoot.Certificate = append([][]byte{}, good.Certificate[0], ours.root.Raw)
	alone := tls.Certificate{Certificate: [][]byte{ours.root.Raw}, PrivateKey: ours.key}
	for what, c := range map[string]struct {
		pair  tls.Certificate
		trust Trust
		code  int
	}{
		"trusted":             {good, Trust{Name: "kubernetes", Authorities: ours.pem}, 0},
		"by its address":      {good, Trust{Name: "127.0.0.1", Authorities: ours.pem}, 0},
		"no authority":        {good, Trust{Name: "kubernetes"}, 20},
		"another's":           {good, Trust{Name: "kubernetes", Authorities: other.pem}, 20},
		"both":                {good, Trust{Name: "kubernetes", Authorities: both}, 0},
		"its root":            {withRoot, Trust{Name: "kubernetes"}, 19},
		"self-signed":         {alone, Trust{Name: "kubernetes"}, 18},
		"other name":          {good, Trust{Name: "example", Authorities: ours.pem}, 62},
		"other address":       {good, Trust{Name: "127.0.0.9", Authorities: ours.pem}, 64},
		"any name":            {good, Trust{Name: "x", Authorities: ours.pem, AnyName: true}, 0},
		"untrusted, any name": {good, Trust{Name: "x", AnyName: true}, 20},
		"expired":             {old, Trust{Name: "kubernetes", Authorities: ours.pem}, 10},
		"insecure":            {old, Trust{Name: "kubernetes", Insecure: true}, 0},
	} {
		if problem := refusalOf(t, c.pair, c.trust); problem.Code != c.code {
			t.Errorf("%s: %+v instead of %d", what, problem, c.code)
		}
	}
}

func TestAServerWithoutTLSIsNoServerOfTLS(t *testing.T) {
	d := newDoors()
	address := serve(t, listen(t), func(connection net.Conn) {
		io.WriteString(connection, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	stream, err := d.Connect("tcp", address, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Secure(stream, Trust{Insecure: true}, time.Second)
	if problem := ProblemOf(err); problem.Kind != "tls" {
		t.Errorf("%+v", problem)
	}
}

func TestAProgramHasStreams(t *testing.T) {
	d := newDoors()
	started := d.Start(Command{
		Args: []string{"bash", "-c", "read line; echo $line $NAME; echo bad >&2; exit 3"},
		Env:  []string{"PATH=/usr/bin", "NAME=x"}, Dir: t.TempDir(),
	})
	if _, hasEnded := d.Wait(started.Process, time.Millisecond); hasEnded {
		t.Error("it has ended before its input")
	}
	if err := d.Write(started.Stdin, []byte("hello\n")); err != nil {
		t.Fatal(err)
	}
	d.Close(started.Stdin)
	if code, hasEnded := d.Wait(started.Process, 10*time.Second); code != 3 || !hasEnded {
		t.Errorf("it has ended: %v, with %d", hasEnded, code)
	}
	if got := string(d.Take(started.Stdout)); got != "hello x\n" {
		t.Errorf("stdout is %q", got)
	}
	if got, err := d.Read(started.Stderr, 100, 0); string(got) != "bad\n" || err != nil {
		t.Errorf("stderr is %q, %v", got, err)
	}
	if got, err := d.Read(started.Stderr, 100, 0); len(got) != 0 || err != nil {
		t.Errorf("the end of stderr is %q, %v", got, err)
	}
}

func TestTheProgramsHaveNames(t *testing.T) {
	names := newDoors().Programs()
	if !slices.Contains(names, "bash") || !slices.IsSorted(names) {
		t.Errorf("%v", names)
	}
}

func TestAProgramThatIsKilledEndsByTheSignal(t *testing.T) {
	d := newDoors()
	started := d.Start(Command{
		Args: []string{"bash", "-c", "echo begun; sleep 60"}, Dir: "/", Merged: true,
	})
	if got, err := d.Read(started.Stdout, 100, 10*time.Second); string(got) != "begun\n" {
		t.Fatalf("read %q, %v", got, err)
	}
	d.Kill(started.Process, 15)
	if code, hasEnded := d.Wait(started.Process, 10*time.Second); code != 143 || !hasEnded {
		t.Errorf("it has ended: %v, with %d", hasEnded, code)
	}
}

func TestAProgramThatDoesNotReadItsInputEnds(t *testing.T) {
	d := newDoors()
	started := d.Start(Command{Args: []string{"true"}, Dir: "/"})
	if err := d.Write(started.Stdin, make([]byte, 1<<20)); err != nil {
		t.Log(err)
	}
	if code, hasEnded := d.Wait(started.Process, 10*time.Second); code != 0 || !hasEnded {
		t.Errorf("it has ended: %v, with %d", hasEnded, code)
	}
	err := d.Write(started.Stdin, []byte("x"))
	if problem := ProblemOf(err); problem.Name != "EPIPE" {
		t.Errorf("%+v", problem)
	}
	d.Forget(started.Process)
	if _, hasEnded := d.Poll(started.Process); hasEnded {
		t.Error("it is not forgotten")
	}
}

func TestAProgramWhoseOutputNobodyReadsEnds(t *testing.T) {
	d := newDoors()
	started := d.Start(Command{
		Args: []string{"bash", "-c", "while true; do echo again; done"}, Dir: "/",
	})
	if _, err := d.Read(started.Stdout, 6, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	d.Close(started.Stdout)
	if code, hasEnded := d.Wait(started.Process, 10*time.Second); code != 141 || !hasEnded {
		t.Errorf("it has ended: %v, with %d", hasEnded, code)
	}
}

func TestAFailureOfTheSystemHasItsName(t *testing.T) {
	_, err := os.Open("/nothing")
	problem := ProblemOf(err)
	if problem.Name != "ENOENT" || !strings.Contains(problem.Message, "no such") {
		t.Errorf("%+v", problem)
	}
}

// writeMuch writes more than an inbox holds, and returns when that has ended.
func writeMuch(b io.Writer) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range 3 {
			b.Write(make([]byte, capacity))
		}
	}()
	return ended
}

func hasEnded(ended <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

func TestAProgramWaitsForTheReaderOfItsOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox()
		ended := writeMuch(programOutput{b})
		for want := capacity; want <= 3*capacity; want += capacity {
			if got := hasEnded(ended); got || len(b.bytes) != capacity {
				t.Fatalf("ended: %v, with %d bytes", got, len(b.bytes))
			}
			if want < 3*capacity {
				b.read(capacity, 0)
			}
		}
		b.discard()
		if !hasEnded(ended) {
			t.Error("it waits for a reader that has gone")
		}
	})
}

func TestAProgramWhoseEndIsWaitedForWritesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox()
		ended := writeMuch(programOutput{b})
		b.lift()
		if !hasEnded(ended) || len(b.bytes) != 3*capacity {
			t.Errorf("%d bytes", len(b.bytes))
		}
	})
}
