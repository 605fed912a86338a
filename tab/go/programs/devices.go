package programs

import (
	"crypto/rand"
	"io"
	"io/fs"
	"time"
)

// device returns the device of a name, if it is one: machines have no files for them.
func (p *Process) device(name string) (File, bool) {
	switch name {
	case "/dev/null":
		return device{}, true
	case "/dev/zero":
		return device{Reader: zeros{}}, true
	case "/dev/random", "/dev/urandom":
		return device{Reader: rand.Reader}, true
	case "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0":
		return device{Reader: p.Stdin}, true
	case "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1":
		return device{Writer: p.Stdout}, true
	case "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2":
		return device{Writer: p.Stderr}, true
	}
	return nil, false
}

// device is empty for who reads it, and takes what is written.
type device struct {
	io.Reader
	io.Writer
}

func (d device) Read(bytes []byte) (int, error) {
	if d.Reader == nil {
		return 0, io.EOF
	}
	return d.Reader.Read(bytes)
}

func (d device) Write(bytes []byte) (int, error) {
	if d.Writer == nil {
		return len(bytes), nil
	}
	return d.Writer.Write(bytes)
}

func (device) Close() error { return nil }

type zeros struct{}

func (zeros) Read(bytes []byte) (int, error) {
	clear(bytes)
	return len(bytes), nil
}

// deviceInfo describes a device by its name.
type deviceInfo string

func (d deviceInfo) Name() string     { return string(d) }
func (deviceInfo) Size() int64        { return 0 }
func (deviceInfo) ModTime() time.Time { return time.Time{} }
func (deviceInfo) IsDir() bool        { return false }
func (deviceInfo) Sys() any           { return nil }
func (deviceInfo) Mode() fs.FileMode {
	return fs.ModeDevice | fs.ModeCharDevice | 0o666
}
