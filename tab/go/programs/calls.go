package programs

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"mvdan.cc/sh/v3/interp"
)

const (
	// nesting is how many functions, scripts and programs may be in one another. A real bash
	// ends, as no stack is left; here the stack is JavaScript's, and the whole cluster's.
	nesting = 1000
	// atOnce is how many may run on a machine: one more ends all that began with the program
	// that asks, since a program that goes on asking would leave the others no time.
	atOnce = 2000
	// flat is how many calls are on the stack of JavaScript until it is emptied: Go goes on
	// from its own.
	flat = 20
)

// errFork is what a shell says that may start no more, and the cause with which it ends.
var errFork = errors.New("fork: retry: Resource temporarily unavailable")

// nestingKey is the key of the depth of calls in a context.
type nestingKey struct{}

// enterKey is known to an edit of the interpreter, which has no key of another package.
const enterKey = "enter"

// enter counts a call of a function, a builtin or a program. It returns the context for the
// call, and what is to be done at its end, or why the call is one too many.
func (s *shell) enter(
	ctx context.Context, name string, isFunction bool,
) (context.Context, func(), error) {
	kind := ""
	switch {
	case isFunction:
		kind = "function"
	case name == "eval":
		kind = "eval"
	case name == "source" || name == ".":
		kind = "source"
	case interp.IsBuiltin(name):
		return ctx, func() {}, nil
	}
	depth, _ := ctx.Value(nestingKey{}).(int)
	if depth >= nesting && kind != "" {
		return nil, nil, fmt.Errorf("line %d: %s: maximum %s nesting level exceeded (%d)", s.line,
			name, kind, nesting)
	}
	if depth >= nesting {
		return nil, nil, errFork
	}
	leave, err := s.Machine.count(ctx)
	if err != nil {
		return nil, nil, err
	}
	if depth%flat == flat-1 {
		runtime.Gosched()
	}
	return context.WithValue(ctx, nestingKey{}, depth+1), leave, nil
}

// outermostKey is the key of the function that ends the first of the programs that run in one
// another, and all of them with it.
type outermostKey struct{}

// count counts one more call on a machine; it returns what is to be done at its end. If it is one
// too many, it ends what is around it.
func (m *Machine) count(ctx context.Context) (leave func(), err error) {
	if m.calls.Load() >= atOnce {
		if end, is := ctx.Value(outermostKey{}).(context.CancelCauseFunc); is {
			end(errFork)
		}
		return nil, errFork
	}
	m.calls.Add(1)
	return func() { m.calls.Add(-1) }, nil
}
