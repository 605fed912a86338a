package doors

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// capacity is how many bytes of a connection wait to be read before its sender waits, too.
const capacity = 1 << 20

// inbox has bytes that have arrived and are not read yet.
type inbox struct {
	mu    sync.Mutex
	bytes []byte
	// isUnbounded says that no program waits for a reader any more.
	isUnbounded bool
	// ending is io.EOF or what broke the stream, once nothing more arrives.
	ending error
	// changed is closed, and replaced, whenever something else is.
	changed chan struct{}
}

func newInbox() *inbox { return &inbox{changed: make(chan struct{})} }

// change does something with the inbox, and wakes all that wait for it.
func (b *inbox) change(do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	do()
	close(b.changed)
	b.changed = make(chan struct{})
}

// Write takes any number of bytes at once, and does not wait for a reader.
// After discard, the error is that of a pipe without a reader.
func (b *inbox) Write(bytes []byte) (count int, err error) {
	b.change(func() {
		if b.ending != nil {
			err = io.ErrClosedPipe
			return
		}
		b.bytes = append(b.bytes, bytes...)
		count = len(bytes)
	})
	return count, err
}

// Read is read for a program, which waits without limit.
func (b *inbox) Read(bytes []byte) (int, error) {
	received, err := b.read(len(bytes), 0)
	if len(received) == 0 && len(bytes) > 0 && err == nil {
		err = io.EOF
	}
	return copy(bytes, received), err
}

// Close ends the inbox from the writer's side.
func (b *inbox) Close() error {
	b.end(io.EOF)
	return nil
}

// end notes that nothing more arrives, and why.
func (b *inbox) end(err error) {
	b.change(func() {
		if b.ending == nil {
			b.ending = err
		}
	})
}

// discard ends the inbox from the reader's side.
func (b *inbox) discard() {
	b.end(net.ErrClosed)
	b.take()
}

func (b *inbox) take() (bytes []byte) {
	b.change(func() { bytes, b.bytes = b.bytes, nil })
	return bytes
}

func (b *inbox) isReadable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.bytes) > 0 || b.ending != nil
}

// look returns whether a condition holds, or else what to wait for.
func (b *inbox) look(condition func() bool) (bool, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return condition(), b.changed
}

func (b *inbox) read(size int, limit time.Duration) (bytes []byte, err error) {
	var late <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	for {
		isReadable, changed := b.look(func() bool { return len(b.bytes) > 0 || b.ending != nil })
		if isReadable {
			break
		}
		select {
		case <-changed:
		case <-late:
			return nil, os.ErrDeadlineExceeded
		}
	}
	b.change(func() {
		count := min(size, len(b.bytes))
		bytes, b.bytes = b.bytes[:count:count], b.bytes[count:]
		if count == 0 && size > 0 && !errors.Is(b.ending, io.EOF) {
			err = b.ending
		}
	})
	return bytes, err
}

// pump reads from a connection until it ends, and waits while the inbox is full; it returns why
// the connection ended.
func pump(b *inbox, connection io.Reader) error {
	chunk := make([]byte, 32<<10)
	for {
		count, err := connection.Read(chunk)
		if _, closed := b.Write(chunk[:count]); closed != nil {
			return closed
		}
		if err != nil {
			return err
		}
		b.awaitRoom()
	}
}

// awaitRoom waits while the inbox is full.
func (b *inbox) awaitRoom() {
	for {
		hasRoom, changed := b.look(func() bool {
			return len(b.bytes) < capacity || b.ending != nil || b.isUnbounded
		})
		if hasRoom {
			return
		}
		<-changed
	}
}

// lift ends the bound: the reader waits for the end of the program, and reads then.
func (b *inbox) lift() { b.change(func() { b.isUnbounded = true }) }

// programOutput is an inbox into which a program writes: it waits while the inbox is full.
type programOutput struct{ *inbox }

func (o programOutput) Write(bytes []byte) (int, error) {
	count, err := o.inbox.Write(bytes)
	o.awaitRoom()
	return count, err
}
