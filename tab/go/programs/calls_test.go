package programs

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

func TestCallsInOneAnotherHaveAnEnd(t *testing.T) {
	s := &shell{Process: &Process{Machine: newMachine(t)}, line: 3}
	ctx, leave, err := s.enter(context.Background(), ":", false)
	for range 2 * nesting {
		// Builtins are none.
		if ctx, _, err = s.enter(ctx, ":", false); err != nil {
			t.Fatal(err)
		}
	}
	leaves := []func(){}
	for range nesting {
		if ctx, leave, err = s.enter(ctx, "f", true); err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	for name, message := range map[string]string{
		"f":    "line 3: f: maximum function nesting level exceeded (1000)",
		"eval": "line 3: eval: maximum eval nesting level exceeded (1000)",
		".":    "line 3: .: maximum source nesting level exceeded (1000)",
		"jq":   errFork.Error(),
	} {
		if _, _, err = s.enter(ctx, name, name == "f"); err == nil || err.Error() != message {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, leave := range leaves {
		leave()
	}
	if running := s.Machine.calls.Load(); running != 0 {
		t.Errorf("%d calls are left", running)
	}
}

func TestAMachineRunsSoManyCallsAtOnce(t *testing.T) {
	s := &shell{Process: &Process{Machine: newMachine(t)}}
	for range atOnce {
		if _, _, err := s.enter(context.Background(), "jq", false); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.enter(context.Background(), "jq", false); err != errFork {
		t.Error(err)
	}
	if err := s.startJob(context.Background(), []string{startJob, "jq"}); err != errFork {
		t.Error(err)
	}
	other := &shell{Process: &Process{Machine: newMachine(t)}}
	if _, _, err := other.enter(context.Background(), "jq", false); err != nil {
		t.Error("another machine is full, too")
	}
}

// TestAForkBombEnds by itself: a shell that may start no more ends, with all that runs in it.
func TestAForkBombEnds(t *testing.T) {
	for _, script := range []string{
		"bomb() { bomb | bomb & }; bomb; sleep 600", ":(){ :|:& };:; sleep 600",
		"two() { two & two & }; two; sleep 600",
		"(bomb() { bomb | bomb & }; bomb; sleep 600); echo on",
	} {
		machine, output := newMachine(t), &bytes.Buffer{}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		code := machine.Run(ctx, &Process{
			Args: []string{"bash", "-c", script}, Dir: "/", Stdout: output, Stderr: output,
		})
		cancel()
		if code != 254 || strings.Count(output.String(), errFork.Error()) != 1 ||
			strings.Contains(output.String(), "on\n") {
			t.Errorf("%s: %d %q", script, code, output)
		}
	}
}

// TestManyJobsAreNone lets a shell start more in all than it may have at once.
func TestManyJobsAreNone(t *testing.T) {
	machine, output := newMachine(t), &bytes.Buffer{}
	script := "for i in $(seq 50); do for j in $(seq 50); do true & done; wait; done; echo all"
	code := machine.Run(context.Background(), &Process{
		Args: []string{"bash", "-c", script}, Dir: "/", Stdout: output, Stderr: output,
	})
	if code != 0 || output.String() != "all\n" {
		t.Errorf("%d %q", code, output)
	}
}
