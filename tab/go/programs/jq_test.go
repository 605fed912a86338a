package programs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const pods = `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[
 {"metadata":{"name":"web","labels":{"b":"2","a":"1"},"managedFields":[{"manager":"x"}],"uid":"u"},
  "spec":{"nodeName":"n","containers":[{"name":"main","image":"toolbox:1"}]}},
 {"metadata":{"name":"app","labels":{"c":"3"},"uid":"v"},"spec":{"containers":[]}}]}`

// filters are asked of jq and of ours: the input, and the words.
var filters = []struct {
	input string
	words []string
}{
	{pods, nil},
	{pods, []string{"."}},
	{pods, []string{"-c", ".items[0]"}},
	{pods, []string{"-e", ".kind"}},
	{pods, []string{"-e", ".nosuch"}},
	{pods, []string{"-e", "empty"}},
	{pods, []string{"-r", ".items[].metadata.name"}},
	{pods, []string{"-e", ".items[:1]"}},
	{pods, []string{"-j", ".items[].metadata.name"}},
	{pods, []string{"-e", `select(.kind == "PodList")`}},
	{pods, []string{"-e", "del(.items[].metadata.managedFields)"}},
	{pods, []string{`.items[0].metadata.managedFields |= "(…)"`}},
	{pods, []string{".items[0].spec.suspend = true"}},
	{pods, []string{"-c", "[.items[] | {name: .metadata.name, labels: .metadata.labels}]"}},
	{pods, []string{"-c", `{z: 1, a: 2, "k": {y: .kind, b: 3}}`}},
	{pods, []string{"-c", `{apiVersion, kind}`}},
	{pods, []string{"-S", "."}},
	{pods, []string{".items | length"}},
	{pods, []string{"-c", "[.items[] | .metadata.labels | keys]"}},
	{pods, []string{"-c", ".items | map(.metadata.name) | sort"}},
	{pods, []string{"-c", ".items | sort_by(.metadata.name)"}},
	{pods, []string{"-c", ".items[0].metadata | with_entries(select(.key != \"uid\"))"}},
	{pods, []string{"-c", ".items[0] * {spec: {x: 1}}"}},
	{pods, []string{"-c", "--arg", "n", "web", ".items[] | select(.metadata.name == $n)"}},
	{pods, []string{"-c", "--argjson", "n", `{"b":1,"a":2}`, "$n"}},
	{pods, []string{"-n", "-c", "[inputs | .kind]"}},
	{pods, []string{"--tab", ".metadata"}},
	{pods, []string{"--indent", "1", ".metadata"}},
	{pods, []string{"-r", ".items[0].metadata.labels | to_entries[] | \"\\(.key)=\\(.value)\""}},
	{`{"b":1}{"a":2} [3]` + "\n4", []string{"-c", "."}},
	{`{"b":1}{"a":2}`, []string{"-s", "-c", "."}},
	{"one\ntwo\n", []string{"-R", "."}},
	{"one\ntwo\n", []string{"-R", "-s", "."}},
	{"one\ntwo", []string{"-R", "-s", "."}},
	{"", []string{"-Rs", "."}},
	{`"ü\u0007 \u007f é"`, []string{"."}},
	{`"ü 😀"`, []string{"-a", "."}},
	{`[1, 1.5, -2e3, 12345678901]`, []string{"-c", "."}},
	{`{"a":[],"b":{}}`, []string{"."}},
	{`null`, []string{"-n", "1, 2"}},
	{`{"a":1,"a":2}`, []string{"-c", "."}},
	{`5`, []string{".a"}},
	{`5`, []string{".a?"}},
	{`Unauthorized`, []string{"."}},
	{"Unauthorized\n", []string{"."}},
	{`{"a":`, []string{"."}},
	{`{"a" 1}`, []string{"."}},
	{`{"b":1} nonsense`, []string{"-c", "."}},
	{``, []string{"."}},
	{`{}`, []string{"."}},
	{`1`, []string{"nosuch"}},
	{`1`, []string{".["}},
	{`1`, []string{"--nosuch", "."}},
	{`1`, []string{".", "/nosuch/file"}},
	{`1`, []string{"halt_error"}},
	{`"x\n"`, []string{"halt_error(3)"}},
	{`1`, []string{"error(\"no\")"}},
	{`1`, []string{"-e", "false"}},
	{`1`, []string{"-r", "env.NAMESPACE, $ENV.NAMESPACE"}},
	{`1`, []string{"-c", "--args", "$ARGS", "a", "b"}},
	{`1`, []string{"-c", "$ARGS", "--args", "a", "b"}},
	{`1`, []string{"-n", "--arg", "n", "x", "--indent", "1", "[$n, $ARGS]", "--args", "a", "b"}},
	{`1`, []string{"-c", "$ARGS", "--jsonargs", "1", "[2]"}},
	{`{"b":{"z":1,"a":2},"a":null}`, []string{"-c", ".[]"}},
	{`{"b":{"z":1,"a":2},"a":null}`, []string{"-c", ".b[], [.[]?], (.a[]?), map(.)"}},
	{`{"b":{"z":1,"a":2},"a":null}`, []string{"-c", ".b[] |= . + 1 | .b | map_values(. * 2)"}},
	{`{"b":{"z":1,"a":2},"a":null}`, []string{"-c", "[path(.[])], del(.b[]), (.b | to_entries)"}},
	{`{"b":{"z":1,"a":2},"a":null}`, []string{"-c", ".a[]"}},
	{`{"b":[{"y":1},{"x":2}]}`, []string{"-c", ".b[].y?, [.b[0,1][]], (.[] | .[] | keys)"}},
	{`{"b":[{"y":1},{"x":2}]}`, []string{"-c", "reduce .b[] as $i ({}; . + $i)"}},
	{`{"b":[{"y":1},{"x":2}]}`, []string{"-c", "[foreach .b[] as $i (0; . + 1)]"}},
	{`{"a":{"x":1,"b":2}}`, []string{"-c", ".a.b = 3 | .a.c = 4"}},
	{`[{"b":1,"a":2},{"a":1,"b":2}]`, []string{"-c", "."}},
}

// TestJQ compares with jq: output, exit code, and whether there is a message.
func TestJQ(t *testing.T) {
	genuine, err := exec.LookPath("jq")
	if err != nil {
		t.Skip("no jq here")
	}
	for _, filter := range filters {
		t.Run(strings.Join(filter.words, " "), func(t *testing.T) {
			t.Parallel()
			command := exec.Command(genuine, filter.words...)
			command.Env = []string{"NAMESPACE=lesson"}
			var stdout, stderr strings.Builder
			command.Stdin = strings.NewReader(filter.input)
			command.Stdout, command.Stderr = &stdout, &stderr
			command.Run()
			words := append([]string{"jq"}, filter.words...)
			ours := runWords(t, newMachine(t), strings.NewReader(filter.input), words...)
			code := command.ProcessState.ExitCode()
			if strings.Contains(stderr.String(), "parse error") && (code == 2 || code == 4) {
				// Before jq 1.7.
				code = 5
			}
			if ours.stdout != stdout.String() || ours.code != code ||
				(ours.stderr == "") != (stderr.String() == "") {
				t.Errorf("ours %+v\njq %q %q %d", ours, stdout.String(), stderr.String(), code)
			} else if ours.stderr != stderr.String() {
				t.Logf("ours %q, jq %q", ours.stderr, stderr.String())
			}
		})
	}
}

func TestJQReadsFiles(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	name := filepath.Join(m.Files.Path("/root"), "in.json")
	if err := os.WriteFile(name, []byte(`{"items":[1,2]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := runWords(t, m, nil, "jq", ".items | length", "in.json")
	if ours != (result{"2\n", "", 0}) {
		t.Error(ours)
	}
}
