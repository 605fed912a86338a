package programs

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestShell compares with bash, script by script: output, exit code, and whether there is a
// message.
func TestShell(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash here")
	}
	for _, script := range table(t, "scripts.txt", "\n---\n") {
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
