package programs

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// checks is how often a context is asked until it looks at the clock.
	checks = 64
	// turn is how long a program computes until all others have their turn.
	turn = 20 * time.Millisecond
)

// turnsContext gives other goroutines their turn while its program computes: where Go has one
// thread, as in js/wasm, they have none otherwise, and nobody could cancel the program.
// runtime.Gosched leaves no time for events of JavaScript; a timer does. Interpreters ask for
// Done or Err at each step.
type turnsContext struct {
	context.Context
	count, begin *atomic.Int64
}

func withTurns(ctx context.Context) context.Context {
	turns := turnsContext{ctx, new(atomic.Int64), new(atomic.Int64)}
	turns.begin.Store(time.Now().UnixNano())
	return turns
}

func (c turnsContext) Done() <-chan struct{} {
	c.leave()
	return c.Context.Done()
}

func (c turnsContext) Err() error {
	c.leave()
	return c.Context.Err()
}

func (c turnsContext) leave() {
	if c.count.Add(1)%checks != 0 {
		return
	}
	if time.Now().UnixNano()-c.begin.Load() > int64(turn) {
		time.Sleep(time.Millisecond)
		c.begin.Store(time.Now().UnixNano())
	}
}
