package programs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newReader returns a reader's machine, on which kubectl says what it was called with, and
// `kubectl proxy` leads to a server.
func newReader(t *testing.T) *Machine {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, `{"kind": "APIVersions", "paths": ["/b", "/a", "/c"]}`)
	}))
	t.Cleanup(server.Close)
	m := newMachine(t)
	isServed := make(chan struct{})
	m.Programs["kubectl"] = func(ctx context.Context, p *Process) int {
		if len(p.Args) > 1 && p.Args[1] == "proxy" {
			fmt.Fprintln(p.Stdout, "Starting to serve on 127.0.0.1:8001")
			close(isServed)
			<-ctx.Done()
			return 1
		}
		text := ""
		if p.Args[len(p.Args)-1] == "-" {
			bytes, _ := io.ReadAll(p.Stdin)
			text = string(bytes)
		}
		fmt.Fprintf(p.Stdout, "%s\n%s", strings.Join(p.Args, " "), text)
		return 0
	}
	m.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "127.0.0.1:8001" {
			return nil, fmt.Errorf("refused")
		}
		<-isServed
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	return m
}

// runCell runs a cell as the notebooks do.
func runCell(t *testing.T, m *Machine, cell string) result {
	t.Helper()
	script := strings.NewReader("exec 2>&1; " + cell)
	return runWords(t, m, script, "bash", "-euo", "pipefail")
}

func TestFunctionsOfTheEnvironment(t *testing.T) {
	t.Parallel()
	ours := runWords(t, newMachine(t), nil, "env", "BASH_FUNC_api%%=() { echo \"GET $1\"; }",
		"BASH_FUNC_bad%%=() { :; }; echo never", "bash", "-c",
		"api /; timeout 5 bash -c 'api /apis'; declare -f api | head -1; "+
			"sh -c 'api /' || echo none")
	if ours.stdout != "GET /\nGET /apis\napi () \nnone\n" {
		t.Error(ours)
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	cells := shellCells(t)
	find := func(part string) string {
		for _, cell := range cells {
			if strings.Contains(cell, part) {
				return cell
			}
		}
		t.Fatalf("no cell has %q", part)
		return ""
	}
	for _, test := range []struct {
		cell, stdout string
		code         int
	}{
		{
			find("kubectl proxy --accept-paths"),
			"Starting to serve on 127.0.0.1:8001\n[\n  \"/b\",\n  \"/a\",\n  \"/c\"\n]\n" +
				`{"kind": "APIVersions", "paths": ["/b", "/a", "/c"]}` + "\n", 0,
		},
		{"kubectl apply -f - <<EOF\na: $NAMESPACE\nEOF", "kubectl apply -f -\na: lesson\n", 0},
		{"kubectl create -o json | sed s/create/apply/ | cat", "kubectl apply -o json\n", 0},
		{"kubectl create --from-literal=\"a=x\\ny\"", "kubectl create --from-literal=a=x\\ny\n", 0},
		{"A=1\n# a comment\n\necho $A$? ~ # more\necho \"a\\nb\"", "10 /root\na\\nb\n", 0},
		{
			"kubectl proxy >log &\n" +
				"curl -s -o /dev/null -w \"%{http_code}\\n\" localhost:8001\nkill $!",
			"200\n", 0,
		},
		{
			"kubectl proxy >log &\n" +
				"curl -s localhost:8001 -w '%{http_code}' -d @- <<<'{}' | tail -c3",
			"200", 0,
		},
		{"kubectl proxy >log &\nsleep 0.1; ps -eo args | grep [p]roxy", "kubectl proxy\n", 0},
		{"echo $missing", "missing: unbound variable\n", 1},
		{"false | true\necho never", "", 1},
		{"nosuch", "bash: line 1: nosuch: command not found\n", 127},
		{
			"curl -sS \"http://nosuch\" || code=$?\necho \"code=$code\"\ntest $code = 6",
			"curl: (6) Could not resolve host: nosuch\ncode=6\n", 0,
		},
	} {
		ours := runCell(t, newReader(t), test.cell)
		if ours.stdout != test.stdout || ours.code != test.code || ours.stderr != "" {
			t.Errorf("%s\n%+v", test.cell, ours)
		}
	}
}
