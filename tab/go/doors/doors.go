// Package doors lets another language in this process use its network and its programs: it names
// connections, and the standard streams of programs, by numbers. Numbers, unlike functions of an
// object of JavaScript, leave nothing behind when they are closed.
package doors

import (
	"context"
	"io"
	"net"
	"sync"
	"time"

	"tab/programs"
)

// Doors has what is open.
type Doors struct {
	machine *programs.Machine
	mu      sync.Mutex
	last    int
	streams map[int]*stream
	running map[int]*process
}

// New returns doors to a machine, with nothing open.
func New(machine *programs.Machine) *Doors {
	return &Doors{machine: machine, streams: map[int]*stream{}, running: map[int]*process{}}
}

// stream is one connection, or one standard stream of a program.
type stream struct {
	// input is what has arrived and is not read yet; nil for a standard input.
	input  *inbox
	output io.WriteCloser
	// connection is nil for a standard stream. Reading begins with the first read: until then,
	// TLS may take the connection over.
	connection net.Conn
	begin      sync.Once
}

func (s *stream) arrive() {
	s.begin.Do(func() {
		if s.connection != nil {
			go func() { s.input.end(pump(s.input, s.connection)) }()
		}
	})
}

func (d *Doors) add(s *stream) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	d.streams[d.last] = s
	return d.last
}

func (d *Doors) find(number int) (*stream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, isOpen := d.streams[number]; isOpen {
		return s, nil
	}
	return nil, net.ErrClosed
}

// Connect connects within a time, 0 for no limit, to an IP address and a port, or to the socket
// that is at a file. It returns the number of the stream.
func (d *Doors) Connect(network, address string, limit time.Duration) (int, error) {
	ctx, cancel := limited(limit)
	defer cancel()
	connection, err := d.machine.Dial(ctx, network, address)
	if err != nil {
		return 0, err
	}
	return d.add(newConnection(connection)), nil
}

func newConnection(connection net.Conn) *stream {
	return &stream{input: newInbox(), output: connection, connection: connection}
}

// Lookup returns the addresses of a name.
func (d *Doors) Lookup(name string) ([]string, error) {
	ctx, cancel := limited(lookup)
	defer cancel()
	return d.machine.LookupHost(ctx, name)
}

// lookup is how long the answer of a name server is waited for.
const lookup = 10 * time.Second

// Read waits, for a time or, with 0, without limit, until something has arrived, and returns at
// most `size` bytes of it; at the end of the stream, none. The error of a time that is over is
// os.ErrDeadlineExceeded.
func (d *Doors) Read(number, size int, limit time.Duration) ([]byte, error) {
	s, err := d.find(number)
	if err != nil {
		return nil, err
	}
	s.arrive()
	return s.input.read(size, limit)
}

// Take returns what has arrived, without waiting.
func (d *Doors) Take(number int) []byte {
	s, err := d.find(number)
	if err != nil {
		return nil
	}
	return s.input.take()
}

// IsReadable reports whether a read would not wait, as at the end of the stream.
func (d *Doors) IsReadable(number int) bool {
	s, err := d.find(number)
	if err != nil {
		return true
	}
	s.arrive()
	return s.input.isReadable()
}

// Write writes all bytes, or returns an error.
func (d *Doors) Write(number int, bytes []byte) error {
	s, err := d.find(number)
	if err != nil {
		return err
	}
	_, err = s.output.Write(bytes)
	return err
}

// Close closes a stream; for one that is closed it does nothing.
func (d *Doors) Close(number int) {
	d.mu.Lock()
	s := d.streams[number]
	delete(d.streams, number)
	d.mu.Unlock()
	if s != nil && s.output != nil {
		s.output.Close()
	}
	if s != nil && s.input != nil {
		s.input.discard()
	}
}

func limited(limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return context.WithCancel(context.Background())
	}
	return context.WithTimeout(context.Background(), limit)
}
