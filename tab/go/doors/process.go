package doors

import (
	"context"
	"io"
	"maps"
	"slices"
	"time"

	"tab/programs"
)

// Command is a program that is to run. Without Merged, its errors have a stream of their own.
type Command struct {
	Args, Env []string
	Dir       string
	Merged    bool
}

// Programs returns the names of the machine's programs.
func (d *Doors) Programs() []string {
	return slices.Sorted(maps.Keys(d.machine.Programs))
}

// Started has the number of a program, and those of its standard streams; Stderr is 0 where both
// outputs are one stream.
type Started struct{ Process, Stdin, Stdout, Stderr int }

type process struct {
	signal context.CancelCauseFunc
	// ended is closed when the program has ended, and code is its exit code then.
	ended chan struct{}
	code  int
	// outputs are bounded until the end of the program is waited for, or a signal is sent.
	outputs []*inbox
}

func (p *process) lift() {
	for _, output := range p.outputs {
		output.lift()
	}
}

// Start starts a program. Its input does not wait for it; it waits for the reader of its output.
func (d *Doors) Start(command Command) Started {
	ctx, signal := context.WithCancelCause(context.Background())
	stdin, output := newInbox(), newInbox()
	started := Started{Stdin: d.add(&stream{output: stdin}), Stdout: d.add(&stream{input: output})}
	errors := output
	if !command.Merged {
		errors = newInbox()
		started.Stderr = d.add(&stream{input: errors})
	}
	p := &process{signal: signal, ended: make(chan struct{}), outputs: []*inbox{output, errors}}
	d.mu.Lock()
	d.last++
	started.Process = d.last
	d.running[d.last] = p
	d.mu.Unlock()
	go func() {
		defer signal(nil)
		p.code = d.machine.Run(ctx, &programs.Process{
			Args: command.Args, Env: command.Env, Dir: command.Dir,
			Stdin: stdin, Stdout: programOutput{output}, Stderr: programOutput{errors},
		})
		stdin.end(io.ErrClosedPipe)
		output.end(io.EOF)
		errors.end(io.EOF)
		close(p.ended)
	}()
	return started
}

// Wait waits, for a time or, with 0, without limit, until a program has ended; it returns the
// exit code, and whether it has ended.
func (d *Doors) Wait(number int, limit time.Duration) (code int, hasEnded bool) {
	p := d.process(number)
	if p == nil {
		return 0, false
	}
	p.lift()
	ctx, cancel := limited(limit)
	defer cancel()
	select {
	case <-p.ended:
	case <-ctx.Done():
	}
	return d.Poll(number)
}

// Poll is Wait without waiting.
func (d *Doors) Poll(number int) (code int, hasEnded bool) {
	p := d.process(number)
	if p == nil {
		return 0, false
	}
	select {
	case <-p.ended:
		return p.code, true
	default:
		return 0, false
	}
}

// Forget forgets a program that has ended.
func (d *Doors) Forget(number int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.running, number)
}

func (d *Doors) process(number int) *process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.running[number]
}

// Kill sends a signal to a program: each ends it.
func (d *Doors) Kill(number, signal int) {
	if p := d.process(number); p != nil {
		p.signal(programs.Signal(signal))
		p.lift()
	}
}
