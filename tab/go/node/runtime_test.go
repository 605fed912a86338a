package node

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	remote "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"

	"tab/programs"
)

// patience is how long anything may take on a busy machine.
const patience = time.Minute

var background = context.Background()

// testServices are the Services of tests, by namespace/name.
type testServices map[string]*Service

func (s testServices) Service(namespace, name string) *Service { return s[namespace+"/"+name] }

func (s testServices) ServiceAt(address string) *Service {
	for _, service := range s {
		if service.ClusterIP == address {
			return service
		}
	}
	return nil
}

// testPod is a sandbox of a runtime, and where its files are.
type testPod struct {
	*testing.T
	runtime   *Runtime
	id        string
	directory string
	count     int
}

// newPod makes a sandbox in a runtime of its own.
func newPod(t *testing.T) *testPod {
	directory := t.TempDir()
	runtime := newRuntime(NewNetwork(testServices{}), func(Listen) map[string]programs.Program {
		return programs.All()
	}, directory+"/containers")
	return newPodIn(t, runtime, directory)
}

func newPodIn(t *testing.T, runtime *Runtime, directory string) *testPod {
	t.Helper()
	id, err := runtime.RunPodSandbox(background, &cri.PodSandboxConfig{
		Hostname: "web", LogDirectory: directory + "/logs", Labels: map[string]string{"app": "web"},
		DnsConfig: &cri.DNSConfig{
			Servers:  []string{Nameserver},
			Searches: searchesOf("shop"), Options: []string{"ndots:5"},
		},
	}, "")
	check(t, err)
	t.Cleanup(func() { check(t, runtime.RemovePodSandbox(background, id)) })
	return &testPod{t, runtime, id, directory, 0}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// expect fails if a value is not the one that it has to be.
func expect[T comparable](t *testing.T, found, wanted T) {
	t.Helper()
	if found != wanted {
		t.Fatalf("%#v, not %#v", found, wanted)
	}
}

// start starts a container; its log is `N.log`.
func (p *testPod) start(config *cri.ContainerConfig) *testContainer {
	p.Helper()
	c := p.create(config)
	check(p.T, p.runtime.StartContainer(background, c.id))
	return c
}

func (p *testPod) create(config *cri.ContainerConfig) *testContainer {
	p.Helper()
	p.count++
	config.LogPath = strings.Repeat("i", p.count) + ".log"
	if config.Image == nil {
		config.Image = &cri.ImageSpec{Image: "toolbox:1"}
	}
	id, err := p.runtime.CreateContainer(background, p.id, config, nil)
	check(p.T, err)
	return &testContainer{p, id, filepath.Join(p.directory, "logs", config.LogPath)}
}

// shell starts a container that runs a script, under the image's init.
func (p *testPod) shell(script string) *testContainer {
	p.Helper()
	return p.start(&cri.ContainerConfig{Args: []string{"sh", "-c", script}})
}

type testContainer struct {
	*testPod
	id, log string
}

func (c *testContainer) status() *cri.ContainerStatus {
	c.Helper()
	response, err := c.runtime.ContainerStatus(background, c.id, false)
	check(c.T, err)
	return response.Status
}

// wait waits until the program has ended, and returns the status.
func (c *testContainer) wait() *cri.ContainerStatus {
	c.Helper()
	one, err := c.runtime.findContainer(c.id)
	check(c.T, err)
	select {
	case <-one.ended:
	case <-time.After(patience):
		c.Fatal("the container has not ended")
	}
	return c.status()
}

// logged returns the log without times, its parts separated by blanks.
func (c *testContainer) logged() string {
	c.Helper()
	text, err := os.ReadFile(c.log)
	check(c.T, err)
	var lines []string
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		at, rest, _ := strings.Cut(line, " ")
		if _, err := time.Parse(time.RFC3339Nano, at); err != nil {
			c.Fatal(err)
		}
		lines = append(lines, rest)
	}
	return strings.Join(lines, "\n")
}

// exec runs words and returns output, errors and exit code.
func (c *testContainer) exec(words ...string) (string, string, int) {
	c.Helper()
	output, problems, err := c.runtime.ExecSync(background, c.id, words, 0)
	var exit utilexec.CodeExitError
	if errors.As(err, &exit) {
		return string(output), string(problems), exit.Code
	}
	check(c.T, err)
	return string(output), string(problems), 0
}

func TestAProgramRunsAndItsLogHasEachLine(t *testing.T) {
	c := newPod(t).shell("echo one; echo two >&2; printf three")
	status := c.wait()
	expect(t, status.State, cri.ContainerState_CONTAINER_EXITED)
	expect(t, status.ExitCode, 0)
	expect(t, status.Reason, "Completed")
	expect(t, c.logged(), "stdout F one\nstderr F two\nstdout P three")
	if status.StartedAt == 0 || status.FinishedAt < status.StartedAt {
		t.Fatal(status)
	}
}

func TestALongLineIsInParts(t *testing.T) {
	c := newPod(t).shell("head -c 40000 /dev/zero | tr '\\0' x; echo")
	c.wait()
	parts := strings.Split(c.logged(), "\n")
	expect(t, len(parts), 3)
	expect(t, strings.HasPrefix(parts[0], "stdout P "), true)
	expect(t, strings.HasPrefix(parts[2], "stdout F "), true)
	expect(t, strings.Count(strings.Join(parts, ""), "x"), 40000)
}

func TestAFailureHasItsExitCode(t *testing.T) {
	status := newPod(t).shell("exit 3").wait()
	expect(t, status.ExitCode, 3)
	expect(t, status.Reason, "Error")
}

func TestAProgramThatIsNotThereIsAStartError(t *testing.T) {
	pod := newPod(t)
	for words, reason := range map[string]string{
		"nosuch":   `exec: "nosuch": executable file not found in $PATH`,
		"/app/run": `exec: "/app/run": no such file or directory`,
		"/tmp":     `exec: "/tmp": `,
	} {
		c := pod.create(&cri.ContainerConfig{Command: []string{words}})
		err := pod.runtime.StartContainer(background, c.id)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Fatal(err)
		}
		status := c.status()
		expect(t, status.ExitCode, 128)
		expect(t, status.Reason, "StartError")
	}
}

func TestWhatAnImageRunsEndsWhenItIsAskedTo(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{})
	begin := time.Now()
	check(t, c.runtime.StopContainer(background, c.id, 60))
	expect(t, c.wait().ExitCode, 143)
	if time.Since(begin) > patience/2 {
		t.Fatal("it has waited for the grace period")
	}
}

func TestAFirstProcessDoesNotHear(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{Command: []string{"sleep", "infinity"}})
	begin := time.Now()
	check(t, c.runtime.StopContainer(background, c.id, 1))
	expect(t, c.wait().ExitCode, 137)
	if time.Since(begin) < time.Second {
		t.Fatal("it has not waited for the grace period")
	}
}

func TestExecHasStreamsAndExitCodes(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{})
	output, problems, code := c.exec("sh", "-c", "echo out; echo err >&2; exit 7")
	expect(t, output+problems, "out\nerr\n")
	expect(t, code, 7)
	_, _, err := c.runtime.ExecSync(background, c.id, []string{"nosuch"}, 0)
	if err == nil || !strings.Contains(err.Error(), "executable file not found in $PATH") {
		t.Fatal(err)
	}
	words := []string{"sleep", "600"}
	_, _, err = c.runtime.ExecSync(background, c.id, words, 50*time.Millisecond)
	expect(t, errors.Is(err, remote.ErrCommandTimedOut), true)
}

// stream keeps what is written to it.
type stream struct{ bytes.Buffer }

func (*stream) Close() error { return nil }

func TestExecReadsItsInput(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{})
	var output stream
	input := strings.NewReader("one\ntwo\n")
	words := []string{"sh", "-c", "read first; echo got $first; cat; exit 5"}
	err := streamer{c.runtime}.Exec(background, c.id, words, input, &output, nil, true, nil)
	var exit utilexec.CodeExitError
	expect(t, errors.As(err, &exit), true)
	expect(t, exit.Code, 5)
	expect(t, output.String(), "got one\ntwo\n")
}

func TestExecEndsWithItsContextOrItsContainer(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{})
	ctx, cancel := context.WithCancel(background)
	ends := make(chan error, 2)
	exec := func(ctx context.Context, script string) {
		ends <- streamer{c.runtime}.Exec(ctx, c.id, []string{"sh", "-c", script}, nil,
			&stream{}, &stream{}, false, nil)
	}
	go exec(ctx, "while true; do true; done")
	cancel()
	<-ends
	go exec(background, "sleep 600")
	time.Sleep(50 * time.Millisecond)
	check(t, c.runtime.StopContainer(background, c.id, 0))
	var exit utilexec.CodeExitError
	expect(t, errors.As(<-ends, &exit), true)
	expect(t, exit.Code, 137)
	if _, _, err := c.runtime.ExecSync(background, c.id, []string{"true"}, 0); err == nil {
		t.Fatal("a container that has ended runs a program")
	}
}

func TestAttachReadsAndWrites(t *testing.T) {
	pod := newPod(t)
	script := "while read line; do echo got $line; done; echo end"
	c := pod.start(&cri.ContainerConfig{
		Args: []string{"sh", "-c", script}, Stdin: true, StdinOnce: true,
	})
	var output stream
	err := streamer{pod.runtime}.Attach(background, c.id, strings.NewReader("one\ntwo\n"),
		&output, nil, false, nil)
	check(t, err)
	expect(t, output.String(), "got one\ngot two\nend\n")
	expect(t, c.wait().ExitCode, 0)
	expect(t, c.logged(), "stdout F got one\nstdout F got two\nstdout F end")
}

func TestAContainerWithoutInputReadsItsEnd(t *testing.T) {
	expect(t, newPod(t).shell("cat").wait().ExitCode, 0)
}

func TestPortForwardReachesThePodsOwnLoopback(t *testing.T) {
	pod := newPod(t)
	sandbox, err := pod.runtime.findSandbox(pod.id)
	check(t, err)
	listener, err := sandbox.host.listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	go func() {
		connection, err := listener.Accept()
		if err == nil {
			io.Copy(connection, connection)
			connection.Close()
		}
	}()
	near, far := net.Pipe()
	port := int32(listener.Addr().(*net.TCPAddr).Port)
	ends := make(chan error, 1)
	go func() { ends <- streamer{pod.runtime}.PortForward(background, pod.id, port, far) }()
	_, err = near.Write([]byte("hello"))
	check(t, err)
	answer := make([]byte, 5)
	_, err = io.ReadFull(near, answer)
	check(t, err)
	expect(t, string(answer), "hello")
	near.Close()
	<-ends
	err = streamer{pod.runtime}.PortForward(background, pod.id, 1, far)
	if err == nil || !strings.Contains(err.Error(), "refused") {
		t.Fatal(err)
	}
}

func TestVariablesAndDirectory(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{
		WorkingDir: "/work", Envs: []*cri.KeyValue{
			{Key: "COLOR", Value: []byte("red")}, {Key: "COLOR", Value: []byte("blue")},
			{Key: "PATH", Value: []byte("/usr/bin")},
		},
	})
	output, _, _ := c.exec("sh", "-c", "pwd; echo $COLOR $HOSTNAME $PATH; env | grep -c COLOR")
	expect(t, output, "/work\nblue web /usr/bin\n1\n")
}

// hostile are texts that must stay what they are.
var hostile = []string{
	"../../../etc/passwd", "<script>alert(1)</script>", "a b", "-rf", "$(reboot)", "`id`",
	"\x1b[31m", "a\rb", "ü\u202etxt", "name;ls", "' || true",
}

func TestHostileTextsStayWhatTheyAre(t *testing.T) {
	c := newPod(t).start(&cri.ContainerConfig{})
	for _, text := range hostile {
		output, problems, code := c.exec("printf", "%s", text)
		expect(t, output+problems, text)
		expect(t, code, 0)
		_, _, err := c.runtime.ExecSync(background, c.id, []string{text}, 0)
		if err == nil || !strings.Contains(err.Error(), "unable to start container process") {
			t.Fatalf("%q: %v", text, err)
		}
	}
	log := c.shell("printf '2026-01-01T00:00:00Z stdout F fake\\r\\n\\0\\033[2J\\n'")
	log.wait()
	expect(t, strings.Count(log.logged(), "\n"), 1)
}

func TestListsAreFiltered(t *testing.T) {
	pod := newPod(t)
	c := pod.start(&cri.ContainerConfig{Labels: map[string]string{"name": "main"}})
	pod.shell("true").wait()
	for count, filter := range map[int]*cri.ContainerFilter{
		2: {PodSandboxId: pod.id},
		1: {State: &cri.ContainerStateValue{State: cri.ContainerState_CONTAINER_RUNNING}},
		0: {Id: c.id, LabelSelector: map[string]string{"name": "other"}},
	} {
		list, err := pod.runtime.ListContainers(background, filter)
		check(t, err)
		expect(t, len(list), count)
	}
	check(t, pod.runtime.StopPodSandbox(background, pod.id))
	expect(t, c.wait().ExitCode, 137)
	ready := &cri.PodSandboxStateValue{State: cri.PodSandboxState_SANDBOX_READY}
	list, err := pod.runtime.ListPodSandbox(background, &cri.PodSandboxFilter{State: ready})
	check(t, err)
	expect(t, len(list), 0)
}

func TestNothingIsLeftOfAPod(t *testing.T) {
	pod := newPod(t)
	pod.shell("sleep 600")
	check(t, pod.runtime.RemovePodSandbox(background, pod.id))
	left, err := os.ReadDir(pod.directory + "/containers")
	check(t, err)
	expect(t, len(left)+len(pod.runtime.containers)+len(pod.runtime.sandboxes), 0)
	expect(t, len(pod.runtime.network.used), 0)
}
