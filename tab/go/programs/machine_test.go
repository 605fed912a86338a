package programs

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tree is the files of a machine below a directory, with volumes and read-only files by name.
type tree struct {
	root     string
	volumes  map[string]string
	readOnly string
}

func (t tree) Path(name string) string {
	for at, volume := range t.volumes {
		if name == at || strings.HasPrefix(name, at+"/") {
			return filepath.Join(volume, strings.TrimPrefix(name, at))
		}
	}
	return filepath.Join(t.root, name)
}

func (t tree) Refuses(name string) error {
	if t.readOnly != "" && strings.HasPrefix(name+"/", t.readOnly+"/") {
		return syscall.EROFS
	}
	return nil
}

// newMachine returns a machine with all programs and an empty tree.
func newMachine(t *testing.T) *Machine {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"tmp", "root", "etc"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &Machine{
		Hostname: "tab", Files: tree{root: root}, Programs: All(),
		LookupHost: func(_ context.Context, name string) ([]string, error) {
			if name == "localhost" || name == "kubernetes" {
				return []string{"127.0.0.1"}, nil
			}
			return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
		},
		Dial: (&net.Dialer{}).DialContext,
	}
}

// result is how a program ended.
type result struct {
	stdout, stderr string
	code           int
}

// runWords runs a program on a machine.
func runWords(t *testing.T, m *Machine, stdin io.Reader, words ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var stdout, stderr lockedBuffer
	code := m.Run(ctx, &Process{
		Args: words, Dir: "/root", Stdin: stdin, Stdout: &stdout, Stderr: &stderr,
		Env: []string{"PATH=/usr/bin", "HOME=/root", "NAMESPACE=lesson"},
	})
	if ctx.Err() != nil {
		t.Fatalf("%q took too long; stdout %q, stderr %q", words, stdout.String(), stderr.String())
	}
	return result{stdout.String(), stderr.String(), code}
}

func runScript(t *testing.T, m *Machine, script string) result {
	t.Helper()
	return runWords(t, m, nil, "bash", "-c", script)
}

type lockedBuffer struct {
	lockedWriter
	bytes.Buffer
}

func (b *lockedBuffer) Write(bytes []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.Buffer.Write(bytes)
}

func (b *lockedBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.Buffer.String()
}

// newSilentLog returns a log for servers whose clients are meant to fail.
func newSilentLog() *log.Logger { return log.New(io.Discard, "", 0) }

// table returns the parts of a file in testdata.
func table(t *testing.T, name, separator string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), separator)
}
