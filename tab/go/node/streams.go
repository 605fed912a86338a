package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// Exec, Attach and PortForward return where the kubelet finds the streams.
func (r *Runtime) Exec(
	_ context.Context, request *cri.ExecRequest,
) (*cri.ExecResponse, error) {
	return r.streams.GetExec(request)
}

func (r *Runtime) Attach(
	_ context.Context, request *cri.AttachRequest,
) (*cri.AttachResponse, error) {
	return r.streams.GetAttach(request)
}

func (r *Runtime) PortForward(
	_ context.Context, request *cri.PortForwardRequest,
) (*cri.PortForwardResponse, error) {
	return r.streams.GetPortForward(request)
}

// streamer is what the streams do. Terminals have no size here.
type streamer struct{ runtime *Runtime }

// Exec runs a program in a container.
func (s streamer) Exec(
	ctx context.Context, id string, words []string, input io.Reader,
	output, problems io.WriteCloser, tty bool, _ <-chan remotecommand.TerminalSize,
) error {
	one, err := s.runtime.findContainer(id)
	if err != nil {
		return err
	}
	standardOutput, standardError := writerOf(output), writerOf(problems)
	if tty {
		standardError = standardOutput
	}
	code, err := one.exec(ctx, words, input, standardOutput, standardError)
	if err != nil || code == 0 {
		return err
	}
	return utilexec.CodeExitError{
		Err:  fmt.Errorf("command terminated with exit code %d", code),
		Code: code,
	}
}

// writerOf returns what takes output that nobody wants, if there is no stream.
func writerOf(stream io.WriteCloser) io.Writer {
	if stream == nil {
		return io.Discard
	}
	return stream
}

// Attach passes on what a container's program writes from now on, and writes to its standard
// input, until it ends.
func (s streamer) Attach(
	ctx context.Context, id string, input io.Reader, output, problems io.WriteCloser,
	_ bool, _ <-chan remotecommand.TerminalSize,
) error {
	one, err := s.runtime.findContainer(id)
	if err != nil {
		return err
	}
	if !one.isRunning() {
		return fmt.Errorf("container is not running: %s", id)
	}
	detach := one.log.attach(writerOf(output), writerOf(problems))
	defer detach()
	if input != nil && one.input != nil {
		go func() {
			io.Copy(one.input, input)
			if one.config.StdinOnce {
				one.input.Close()
			}
		}()
	}
	select {
	case <-one.ended:
	case <-ctx.Done():
	}
	return nil
}

// PortForward connects to a port of a pod's loopback, as it would in its network namespace.
func (s streamer) PortForward(
	ctx context.Context, id string, port int32, stream io.ReadWriteCloser,
) error {
	pod, err := s.runtime.findSandbox(id)
	if err != nil {
		return err
	}
	connection, err := pod.host.dial(ctx, "tcp", join("127.0.0.1", int(port)))
	if err != nil {
		return fmt.Errorf("failed to dial %d in the pod: %w", port, errors.Unwrap(err))
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	go func() {
		io.Copy(connection, stream)
		if half, canHalf := connection.(interface{ CloseWrite() error }); canHalf {
			half.CloseWrite()
		}
	}()
	_, err = io.Copy(stream, connection)
	return err
}
