package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// prepared are files that the lines read.
var prepared = map[string]string{
	"words": "banana 3\napple 10\ncherry 2\napple 10\n\nBerry 1\n",
	"table": "a:b:c\nd:e:f\nplain\n",
	"app": "spec:\n  containers:\n  - name: main\n    env:\n    - name: SERVER\n" +
		"      value: https://x\n",
	"resolv": "search lesson.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\n",
	"empty":  "", "noend": "one\ntwo",
}

// TestLines compares line by line with the system's programs: output, exit code, and whether
// there is a message.
func TestLines(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	for _, line := range table(t, "lines.txt", "\n") {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			m, other := newMachine(t), t.TempDir()
			for name, text := range prepared {
				for _, place := range []string{m.Files.Path("/root"), other} {
					err := os.WriteFile(filepath.Join(place, name), []byte(text), 0o644)
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			command := exec.Command(bash, "-c", line)
			command.Dir = other
			command.Env = []string{
				"PATH=/usr/bin:/bin", "HOME=/root", "NAMESPACE=lesson", "LC_ALL=C.UTF-8",
			}
			var stdout, stderr strings.Builder
			command.Stdout, command.Stderr = &stdout, &stderr
			command.Run()
			ours, code := runScript(t, m, line), command.ProcessState.ExitCode()
			theirs := strings.ReplaceAll(stdout.String(), other, "/root")
			if ours.stdout != theirs || ours.code != code ||
				(ours.stderr == "") != (stderr.String() == "") {
				t.Errorf("ours %q %q %d\nthey %q %q %d", ours.stdout, ours.stderr, ours.code,
					theirs, stderr.String(), code)
			} else if ours.stderr != stderr.String() {
				t.Logf("ours %q, they %q", ours.stderr, stderr.String())
			}
		})
	}
}
