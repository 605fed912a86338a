package programs

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// runInSession runs a script of a session.
func runInSession(t *testing.T, m *Machine, session *Session, script string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var stdout, stderr lockedBuffer
	code := m.Run(ctx, &Process{
		Args: []string{"bash", "-uc", script}, Dir: "/root", Stdout: &stdout, Stderr: &stderr,
		Env: []string{"PATH=/usr/bin", "HOME=/root", "GIVEN=yes"}, Session: session,
	})
	return result{stdout.String(), stderr.String(), code}
}

func TestASessionKeepsWhatScriptsChange(t *testing.T) {
	t.Parallel()
	m, session := newMachine(t), &Session{}
	for _, test := range []struct {
		script, stdout string
		code           int
	}{
		{"A=1 LIST=(a b); declare -A MAP=([x]=y); export B=2", "", 0},
		{"echo $A ${LIST[1]} ${MAP[x]} $(env | grep -c ^B=)", "1 b y 1\n", 0},
		{"bash -c 'echo ${A-none} $B'; (A=5; cd /; f() { :; })", "none 2\n", 0},
		{"LIST+=(c); echo ${#LIST[@]} $A; pwd", "3 1\n/root\n", 0},
		{"unset B GIVEN; greet() { echo hello $1; }; mkdir d; cd d", "", 0},
		{"greet ${B-gone} ${GIVEN-gone}; pwd", "hello gone\n/root/d\n", 0},
		{"cd -; unset -f greet", "/root\n", 0},
		{"greet", "", 127},
		{"echo $?; echo $?", "127\n0\n", 0},
		{"A=2; exit 3", "", 3},
		{"echo $? $A", "3 2\n", 0},
		{"A=3; echo $MISSING; echo never", "", 127},
		{"echo $A", "3\n", 0},
		{"echo 'A", "", 2},
		{"A=$(echo 4", "", 2},
		{"readonly C=1", "", 0},
		{"echo $C $A", "1 3\n", 0},
		{"kill -9 $$", "", 137},
		{"echo $A", "3\n", 0},
	} {
		ours := runInSession(t, m, session, test.script)
		if ours.stdout != test.stdout || ours.code != test.code {
			t.Errorf("%s\n%+v", test.script, ours)
		}
	}
	if ours := runInSession(t, m, &Session{}, "echo $A"); ours.code != 127 ||
		ours.stderr != "bash: line 1: A: unbound variable\n" {
		t.Errorf("another session: %+v", ours)
	}
}

// TestScriptsOfASessionRunAtOnce has one wait for a file that the other writes.
func TestScriptsOfASessionRunAtOnce(t *testing.T) {
	t.Parallel()
	m, session := newMachine(t), &Session{}
	runInSession(t, m, session, "A=1 B=1 C=1")
	done := make(chan result)
	go func() {
		script := "echo > started; until test -e go; do sleep 0.01; done; A=2; echo $B"
		done <- runInSession(t, m, session, script)
	}()
	waits := "until test -e started; do sleep 0.01; done; "
	runInSession(t, m, session, waits+"B=3; unset C; echo > go")
	if ours := <-done; ours.stdout != "1\n" {
		t.Errorf("%+v", ours)
	}
	if ours := runInSession(t, m, session, "echo $A $B ${C-gone}"); ours.stdout != "2 3 gone\n" {
		t.Errorf("%+v", ours)
	}
}

func TestTheStatusOfEachTransferIsTold(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/moved" {
			http.Redirect(w, r, "/no", http.StatusFound)
		} else if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	for script, want := range map[string]string{
		"curl -s URL/yes":                            "[200]",
		"curl -s URL/no | cat":                       "[403]",
		"x=$(curl -s URL/no)":                        "[403]",
		"f() { timeout 5 curl -s URL/no; }; (f; f)":  "[403 403]",
		"curl -sL URL/moved URL/yes":                 "[403 200]",
		"curl -s URL/no & wait":                      "[403]",
		"curl -s http://nosuch":                      "[0]",
		"echo URL/no | xargs curl -s; bash -c true":  "[403]",
		"curl --nosuch; echo":                        "[]",
		"curl -s URL/no >/dev/null; curl -s URL/yes": "[403 200]",
	} {
		var lock sync.Mutex
		statuses := []int{}
		newMachine(t).Run(context.Background(), &Process{
			Args: []string{"bash", "-c", strings.ReplaceAll(script, "URL", server.URL)},
			Dir:  "/root",
			OnTransfer: func(status int) {
				lock.Lock()
				defer lock.Unlock()
				statuses = append(statuses, status)
			},
		})
		if told := fmt.Sprint(statuses); told != want {
			t.Errorf("%s: %s", script, told)
		}
	}
}
