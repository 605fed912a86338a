package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	remote "k8s.io/cri-client/pkg"
	utilexec "k8s.io/utils/exec"

	"tab/programs"
)

// ExecSync runs a program to its end, as probes and hooks do.
func (r *Runtime) ExecSync(
	ctx context.Context, id string, words []string, timeout time.Duration,
) ([]byte, []byte, error) {
	one, err := r.findContainer(id)
	if err != nil {
		return nil, nil, err
	}
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	var output, problems bytes.Buffer
	code, err := one.exec(ctx, words, nil, &output, &problems)
	switch {
	case err != nil:
		return nil, nil, err
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		line := strings.Join(words, " ")
		err = fmt.Errorf("%w: %q timed out after %s", remote.ErrCommandTimedOut, line, timeout)
		return nil, nil, err
	case code != 0:
		err = utilexec.CodeExitError{
			Err: fmt.Errorf("command '%s' exited with %d: %s", strings.Join(words, " "), code,
				problems.String()),
			Code: code,
		}
	}
	return output.Bytes(), problems.Bytes(), err
}

// exec runs one more program in a container. It ends with ctx, or with the container.
func (c *container) exec(
	ctx context.Context, words []string, input io.Reader, output, problems io.Writer,
) (int, error) {
	if !c.isRunning() {
		return 0, fmt.Errorf("container is not running: %s", c.id)
	}
	p := c.process(words)
	if err := c.find(p); err != nil {
		return 0, fmt.Errorf("failed to exec in container: failed to start exec: "+
			"OCI runtime exec failed: exec failed: unable to start container process: %w", err)
	}
	p.Stdin, p.Stdout, p.Stderr = input, output, problems
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(programs.SIGKILL) })()
	end := make(chan int, 1)
	go func() { end <- c.machine.Run(ctx, p) }()
	select {
	case code := <-end:
		return code, nil
	case <-ctx.Done():
	}
	// It ends soon, or nobody waits for it.
	select {
	case code := <-end:
		return code, nil
	case <-time.After(left):
		return 128 + int(programs.SIGKILL), nil
	}
}
