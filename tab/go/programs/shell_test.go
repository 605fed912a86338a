package programs

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// scripts do the same in bash.
var scripts = []string{
	`echo a b; printf '%s-%d\n' x 3; echo -n end`,
	`echo -e 'a\tb'; echo 'a\tb'; printf 'a\tb\n'; printf "%s\n" one two`,
	`false || echo code=$?; true && echo yes`,
	`set -euo pipefail; false | cat; echo never`,
	`set -u; echo "${missing:-default}"`,
	`x=$(printf 'a\n\n'); echo "[$x]"`,
	`for i in {1..3}; do echo $i; done | tail -1`,
	`cat <<'EOF'
$HOME stays
EOF
cat <<EOF
$((1+2)) $(echo in)
EOF`,
	`f() { echo "$# $1 $*"; return 3; }; f a "b c" || echo $?`,
	`x=abc; echo ${x#a} ${x%c} ${#x} ${x/b/-} ${x:1:1} ${x^^}`,
	`a=(1 2 3); echo ${a[1]} ${#a[@]} "${a[@]}"`,
	`case web-1 in web-*) echo pod;; *) echo other;; esac`,
	`i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i; until [ $i = 0 ]; do ((i--)) || :; done`,
	`sleep 0.1 & wait $!; echo $?`,
	`(sleep 0.05; exit 7) & wait $! || echo $?`,
	`sleep 60 & pid=$!; kill -0 $pid && echo runs; kill $pid; wait $pid || echo $?`,
	`sleep 60 & sleep 60 & kill %1 %2; wait; echo $?`,
	`x=1; (x=2; f() { echo "$x"; }; f & wait); echo $x`,
	`f() { sleep 60 & kill $!; wait $! || echo ended $?; }; f`,
	`set -e; (false) & wait $! || echo $?`,
	`trap 'echo bye; kill $! || true' EXIT; sleep 60 & echo hi`,
	`trap 'echo bye' EXIT; set -e; false; echo never`,
	`trap 'echo bye' EXIT INT TERM; exit 3`,
	`eval 'sleep 60 & kill $!; wait $! || echo $?'`,
	`exec 3>&1; x=$(echo shown >&3; echo kept); echo "[$x]"; exec 3>&-`,
	`{ echo out; echo err >&2; } 2>&1 | sort`,
	`exec 2>&1; echo x >&2`,
	`exec 2>/dev/null; echo lost >&2; echo kept`,
	`kill 2>&- || true; echo on`,
	`echo x | { read a; echo "[$a]"; }; while read -r l; do echo "<$l>"; done <<< $'p\nq'`,
	`cat <(echo one) <(echo two)`,
	`while :; do echo y; done | head -2; echo end`,
	`yes | head -1; seq 100000 | head -1; yes | tr y n | head -1`,
	`timeout 0.1 sleep 60; echo $?; timeout 5 true; echo $?`,
	`timeout 0.2 bash -c 'until false; do :; done'; echo $?`,
	`timeout 0.2 bash -c 'while ((1)); do ((x++)); done'; echo $?`,
	`nosuch; echo $?`,
	`cd /nosuch; echo $?; cd /; pwd; cd /tmp && cd - >/dev/null; pwd`,
	`echo x > /nosuch/file; echo $?`,
	`cat < /nosuch || echo $?`,
	`command -v cat >/dev/null && echo found; command -v nosuch || echo none; type -t echo cat`,
	`declare -f f || echo none; f() { echo; }; declare -f f >/dev/null && echo there`,
	`A=1 env | grep ^A=; export B=2; env | grep ^B=; C=3; env | grep ^C= || echo none`,
	`env -i X=1 env`,
	`echo $((RANDOM < 32768)) $(( $$ > 0 ))`,
	`bash -c 'echo $0 $1' name word; sh -c 'exit 5'; echo $?`,
	`echo 'echo "from $0: $1"' > script; bash script word; rm script`,
	`printf '#!/bin/bash\necho script $1\n' > s.sh; ./s.sh || echo $?; chmod +x s.sh; ./s.sh x; rm s.sh`,
	`echo 'v=5' > lib; . ./lib; echo $v; source lib; rm lib`,
	`umask 077; umask; echo > private; stat -c %a private; rm private`,
	`dir=$(mktemp -d); touch $dir/a; ls $dir; rm -r "$dir"; test -e $dir || echo gone`,
	`[ -s /etc/none ] || echo empty; [[ abc == a* && 1 -lt 2 ]] && echo yes; test 1 = 2; echo $?`,
	`echo "$(echo a; exit 3)"; x=$(exit 4); echo $?`,
	`echo a | xargs -n1 echo got; seq 3 | xargs; printf 'x\ny\n' | xargs -I% echo %-%`,
	`! false; echo $?`,
	`if`,
	`printf -v x '%03d' 7; echo $x`,
	`echo {a,b}{1,2}; touch g1 g2; echo g*; rm g1 g2; echo nomatch*`,
}

// TestShell compares with bash: output, exit code, and whether there is a message.
func TestShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	for _, script := range scripts {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(bash, "-c", script)
			command.Dir = t.TempDir()
			command.Env = []string{"PATH=/usr/bin:/bin", "HOME=/root"}
			var stdout, stderr strings.Builder
			command.Stdout, command.Stderr = &stdout, &stderr
			command.Run()
			ours := runScript(t, newMachine(t), script)
			if ours.stdout != stdout.String() || ours.code != command.ProcessState.ExitCode() ||
				(ours.stderr == "") != (stderr.String() == "") {
				t.Errorf("ours %+v\nbash %q %q %d", ours, stdout.String(), stderr.String(),
					command.ProcessState.ExitCode())
			}
		})
	}
}

func TestScriptRunsAsItIsRead(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	m := newMachine(t)
	output, shown := io.Pipe()
	go func() {
		m.Run(context.Background(), &Process{
			Args: []string{"sh"}, Dir: "/", Stdin: reader, Stdout: shown, Stderr: shown,
		})
		shown.Close()
	}()
	buffer := make([]byte, 100)
	for _, word := range []string{"one", "two"} {
		io.WriteString(writer, "echo "+word+"\n")
		count, _ := output.Read(buffer)
		if text := string(buffer[:count]); text != word+"\n" {
			t.Errorf("%q", text)
		}
	}
	writer.Close()
	io.Copy(io.Discard, output)
}

func TestContextEndsEachProgram(t *testing.T) {
	t.Parallel()
	idle, _ := io.Pipe()
	for _, script := range []string{
		"sleep infinity", "cat", "while :; do :; done", "yes > /dev/null", "read x",
		"sleep 100 & wait", "grep x", "tail -f /dev/null", "for ((;;)); do :; done", "sort | cat",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(200*time.Millisecond, func() { cancel(SIGKILL) })
			done := make(chan int, 1)
			go func() {
				done <- newMachine(t).Run(ctx, &Process{
					Args: []string{"bash", "-c", script}, Dir: "/", Stdin: idle,
					Stdout: io.Discard, Stderr: io.Discard,
				})
			}()
			select {
			case code := <-done:
				if code != 137 {
					t.Errorf("code %d", code)
				}
			case <-time.After(10 * time.Second):
				t.Error("it still runs")
			}
		})
	}
}
