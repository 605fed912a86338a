// Package programs has the programs of a machine without an operating system: a shell, curl,
// jq and others, on the reader's side and in containers. It has nothing of JavaScript, so that
// its tests run on Linux.
package programs

import (
	"context"
	"io"
	"net"
)

// Program runs until it ends or ctx does; it returns its exit code.
type Program func(ctx context.Context, p *Process) int

// Process is what one run of a program gets. Args[0] is the program's name; Env has NAME=value;
// Dir is absolute, as the machine's files name it.
type Process struct {
	Args, Env      []string
	Dir            string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Machine        *Machine
}

// Machine is what all processes of the reader's side, or of one container, share.
type Machine struct {
	Hostname string
	Files    Files
	// Programs has each program by its name, without a directory.
	Programs map[string]Program
	// LookupHost returns the addresses of a name, or a *net.DNSError with IsNotFound.
	LookupHost func(ctx context.Context, name string) ([]string, error)
	// Dial connects to an IP address and a port.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Files says where the files of a machine are among those of package os: below a root, or in a
// volume that is mounted.
type Files interface {
	// Path returns the name, for package os, of a machine's file, whose name is absolute and
	// clean.
	Path(name string) string
	// ReadOnly reports whether the file may not be changed.
	ReadOnly(name string) bool
}
