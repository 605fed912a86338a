package programs

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// memoryChecks is how often a context is asked until it looks at the memory: a shell asks as
	// often for each time that it doubles a variable.
	memoryChecks = 4
	// memoryTurn is how long nobody looks again: a look takes longer than a program's step, and
	// what a program fills in this time is little.
	memoryTurn = 2 * time.Millisecond
	// turn is how long programs compute until all others have their turn.
	turn = 20 * time.Millisecond
	// serverTurn is how long the server answers until then: each turn costs a start time, too.
	serverTurn = 100 * time.Millisecond
	// memory is how many bytes of all programs and the cluster there may be, with garbage, and
	// kept how many without: then the program that computes is killed. The cluster needs some
	// 150 MB of it, and a program that copies what it has takes up to twice as much for a moment.
	memory, kept = 400 << 20, 280 << 20
	// limit is the collector's, once that of the tab's start leaves little room for garbage: it
	// would look for nothing else, and each turn of JavaScript's waits until it has looked.
	limit = 500 << 20
)

// turns is one clock for all programs: each for itself would leave nobody a turn where two of
// them compute, or where each of many ends before it looks at the clock. The first that finds it
// is time rests, and the others wait for its end.
var turns struct {
	sync.Mutex
	// last is when all others last had a turn, and looked when a program last looked at the memory,
	// in nanoseconds since `began`.
	last, looked atomic.Int64
}

// began has a monotonic time: to ask for what has passed since is one call of JavaScript's.
var began = time.Now()

// turnsContext gives other goroutines their turn while its program computes: where Go has one
// thread, as in js/wasm, they have none otherwise, and nobody could cancel the program.
// runtime.Gosched leaves no time for events of JavaScript. Interpreters ask for Done or Err at
// each step.
type turnsContext struct {
	context.Context
	count *atomic.Int64
	kill  context.CancelCauseFunc
}

func withTurns(ctx context.Context, kill context.CancelCauseFunc) context.Context {
	return turnsContext{ctx, new(atomic.Int64), kill}
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
	now := time.Since(began)
	if c.count.Add(1)%memoryChecks == 0 && now-time.Duration(turns.looked.Load()) > memoryTurn {
		turns.looked.Store(int64(now))
		if isMemoryFull() {
			c.kill(OutOfMemory)
		}
	}
	// A step may be long: awk asks once in many, and each may copy all that it has.
	giveTurn(now, turn)
}

// seldom asks its context once in many times: to ask costs more than the step of an interpreter
// that does so at each.
type seldom struct {
	context.Context
	count *int
}

// often is how many steps a program of jq makes until its context is asked.
const often = 16

func (s seldom) Done() <-chan struct{} {
	if *s.count++; *s.count%often != 0 {
		return nil
	}
	return s.Context.Done()
}

// GiveTurn lets JavaScript have its turn if the server has answered for long: requests of one
// client after the other leave it none.
func GiveTurn() { giveTurn(time.Since(began), serverTurn) }

// giveTurn does so if the last turn was this long ago.
func giveTurn(now, after time.Duration) {
	isTime := func() bool { return now-time.Duration(turns.last.Load()) > after }
	if !isTime() {
		return
	}
	turns.Lock()
	defer turns.Unlock()
	if now = time.Since(began); isTime() {
		rest()
		turns.last.Store(int64(time.Since(began)))
	}
}

// isMemoryFull reports whether more is in use than may be, without garbage.
func isMemoryFull() bool {
	all, live, goal := usedMemory()
	if goal < live+live/4 && debug.SetMemoryLimit(-1) < limit {
		debug.SetMemoryLimit(limit)
	}
	if all < memory && live < kept {
		return false
	}
	// The last collection may have found memory of a program that has ended since.
	runtime.GC()
	_, live, _ = usedMemory()
	return live >= kept
}

// usedMemory returns how many bytes there are, how many the last collection has found in use, and
// how many there may be until the next.
func usedMemory() (all, live, goal uint64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"},
		{Name: "/gc/heap/goal:bytes"},
	}
	metrics.Read(samples)
	return samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()
}
