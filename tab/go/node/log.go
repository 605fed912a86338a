package node

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"sync"
	"time"
)

// longest is how long a part of a line is in a log, as containerd has it.
const longest = 16 << 10

// log is a container's output, as the kubelet reads it: a time, a stream, whether the line ends
// there, and what is in it. Others may be attached to it.
type log struct {
	name     string
	mu       sync.Mutex
	file     *os.File
	streams  []*logStream
	attached map[*attachment]bool
}

// attachment is where output goes, too.
type attachment struct {
	chunks   chan chunk
	detached chan struct{}
}

type chunk struct {
	stream string
	bytes  []byte
}

func openLog(name string) (*log, error) {
	l := &log{name: name, attached: map[*attachment]bool{}}
	return l, l.reopen()
}

// reopen opens the file anew, which may have been renamed.
func (l *log) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := os.MkdirAll(path.Dir(l.name), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(l.name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file = file
	return nil
}

// close writes what has no end yet, and closes the file.
func (l *log) close() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, stream := range l.streams {
		if len(stream.rest) > 0 {
			stream.write("P", stream.rest)
			stream.rest = nil
		}
	}
	if l.file != nil {
		l.file.Close()
		l.file = nil
	}
}

// stream returns a writer for a stream of the program.
func (l *log) stream(name string) io.Writer {
	l.mu.Lock()
	defer l.mu.Unlock()
	stream := &logStream{log: l, name: name}
	l.streams = append(l.streams, stream)
	return stream
}

type logStream struct {
	log  *log
	name string
	rest []byte
}

// Write writes lines to the log, and all to who is attached.
func (s *logStream) Write(output []byte) (int, error) {
	for _, one := range s.append(output) {
		select {
		case one.chunks <- chunk{s.name, bytes.Clone(output)}:
		case <-one.detached:
		}
	}
	return len(output), nil
}

// append writes lines to the log, and returns who is attached.
func (s *logStream) append(output []byte) (all []*attachment) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.rest = append(s.rest, output...)
	for {
		line, after, hasEnd := bytes.Cut(s.rest, []byte("\n"))
		if len(line) > longest {
			s.write("P", line[:longest])
			s.rest = s.rest[longest:]
			continue
		}
		if !hasEnd {
			break
		}
		s.write("F", line)
		s.rest = after
	}
	s.rest = bytes.Clone(s.rest)
	for one := range s.log.attached {
		all = append(all, one)
	}
	return all
}

func (s *logStream) write(tag string, line []byte) {
	if s.log.file == nil {
		return
	}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	fmt.Fprintf(s.log.file, "%s %s %s %s\n", now, s.name, tag, line)
}

// attach passes output on, in a goroutine, until the returned function is called, which waits
// until all has been passed on. A reader who is slow holds up the program, as a pipe does.
func (l *log) attach(output, problems io.Writer) (detach func()) {
	one := &attachment{make(chan chunk, 64), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case next := <-one.chunks:
				next.writeTo(output, problems)
			case <-one.detached:
				for {
					select {
					case next := <-one.chunks:
						next.writeTo(output, problems)
					default:
						return
					}
				}
			}
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attached[one] = true
	return func() {
		l.mu.Lock()
		delete(l.attached, one)
		l.mu.Unlock()
		close(one.detached)
		<-done
	}
}

func (c chunk) writeTo(output, problems io.Writer) {
	if c.stream == "stderr" {
		output = problems
	}
	output.Write(c.bytes)
}
