package programs

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// repository is the root of this repository.
const repository = "../../.."

// shellCells returns the shell cells of all lessons by their place.
func shellCells(t *testing.T) map[string]string {
	t.Helper()
	cells := map[string]string{}
	for _, pattern := range []string{"notebooks/*.ipynb", "notebooks/deeper/*.ipynb"} {
		names, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var notebook struct {
				Cells []struct {
					ID     string
					Source []string
				}
			}
			if err := json.Unmarshal(text, &notebook); err != nil {
				t.Fatal(name, err)
			}
			for _, cell := range notebook.Cells {
				source := strings.Join(cell.Source, "")
				if script, is := strings.CutPrefix(source, "%%sh\n"); is {
					cells[filepath.Base(name)+" "+cell.ID] = script
				}
			}
		}
	}
	return cells
}

// elsewhere are commands that other parts of the project bring, or that only a Linux has.
var elsewhere = map[string]bool{"kubectl": true, "python3": true, "api": true}

func TestLessonsAreUnderstood(t *testing.T) {
	cells := shellCells(t)
	for _, name := range []string{"ask.sh", "journey.sh"} {
		text, err := os.ReadFile(filepath.Join(repository, "helpers/data", name))
		if err != nil {
			t.Fatal(err)
		}
		cells[name] = string(text)
	}
	if len(cells) < 80 {
		t.Errorf("only %d cells", len(cells))
	}
	programs := All()
	for place, script := range cells {
		file, err := newParser().Parse(strings.NewReader(script), place)
		if err != nil {
			t.Error(err)
			continue
		}
		functions := map[string]bool{}
		syntax.Walk(file, func(node syntax.Node) bool {
			switch node := node.(type) {
			case *syntax.FuncDecl:
				functions[node.Name.Value] = true
			case *syntax.CallExpr:
				if len(node.Args) == 0 {
					break
				}
				name := node.Args[0].Lit()
				if name != "" && programs[name] == nil && !functions[name] &&
					!elsewhere[name] && !interp.IsBuiltin(name) {
					t.Errorf("%s: %s is not here", place, name)
				}
			}
			return true
		})
		s := &shell{Process: &Process{}}
		for _, statement := range file.Stmts {
			if text := textOf(s.adapt(statement)); text == "" {
				t.Errorf("%s: nothing is left of a statement", place)
			}
		}
	}
}

// TestJourney runs the script that follows a request from a pod.
func TestJourney(t *testing.T) {
	t.Parallel()
	s, files := newSite(t)
	m := newMachine(t)
	root := m.Files.Path("/root")
	script, err := os.ReadFile(filepath.Join(repository, "helpers/data/journey.sh"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(root, "ca.crt"), files["ca.crt"], 0o600)
	os.WriteFile(filepath.Join(root, "token"), []byte("e30.e30.x"), 0o600)
	os.WriteFile(m.Files.Path("/etc/resolv.conf"), []byte("search lesson.svc svc\n"), 0o600)
	_, port, _ := net.SplitHostPort(s.addresses["HTTPS"])
	ours := runWords(t, m, nil, "env", "KUBERNETES_SERVICE_HOST=10.96.0.1",
		"KUBERNETES_SERVICE_PORT="+port, "sh", "-c", string(script), "sh", "MARK", "kubernetes",
		"/missing", "ca.crt", "token", "no curl")
	parts := map[string]string{}
	for _, part := range strings.Split(ours.stdout, "\nMARK ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		parts[name] = text
	}
	for name, pattern := range map[string]string{
		"answer":     `(?s)^HTTP/2 404 \r\n.*\{"code": 404\}\n?$`,
		"measured":   `^\{.*"http_code":404.*"time_appconnect":\d+\.\d+.*\}\n?$`,
		"credential": `^sent\n$`, "claims": `^e30\n$`, "service": `^10\.96\.0\.1 ` + port + `\n$`,
		"search": `^lesson\.svc svc\n$`, "resolved": `^127\.0\.0\.1 +kubernetes\n$`,
		"handshake": `(?sm)^depth=1 CN=kubernetes$.*BEGIN CERTIFICATE`, "user": `^$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(parts[name]) {
			t.Errorf("%s: %q", name, parts[name])
		}
	}
	if ours.code != 0 || ours.stderr != "" {
		t.Error(ours.code, ours.stderr)
	}
}
