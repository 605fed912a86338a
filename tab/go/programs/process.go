// Package programs has the programs of a machine without an operating system: a shell, curl,
// jq and others, on the reader's side and in containers. It has nothing of JavaScript, so that
// its tests run on Linux.
package programs

import (
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
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
	// Session is what a shell goes on from, and leaves to the next one; its own commands have none.
	Session *Session
	// OnTransfer, if any, gets the status of each response to a curl, which may be in a pipe; 0
	// says that there was no response.
	OnTransfer func(status int)
	// pid is the number of the process on its machine; Machine.Run sets it.
	pid int
}

// Machine is what all processes of the reader's side, or of one container, share. It must not
// be copied.
type Machine struct {
	Hostname string
	Files    Files
	// User is who all programs run as: root, unless it says otherwise.
	User User
	// Programs has each program by its name, without a directory.
	Programs map[string]Program
	// LookupHost returns the addresses of a name, or a *net.DNSError with IsNotFound.
	LookupHost func(ctx context.Context, name string) ([]string, error)
	// FullName returns the whole name of a host that LookupHost has found, with the domain that
	// completed it; without it, names are whole.
	FullName func(ctx context.Context, name string) string
	// Dial connects to an IP address and a port, or, as network "unix", to the socket that is
	// at a file of package os.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	processes processes
	// calls is how many functions, scripts and programs of its shells run.
	calls atomic.Int64
}

// User is a user of a machine by its number, and its groups: its own is the first.
type User struct {
	ID     int64
	Groups []int64
}

// Group returns the number of the user's own group.
func (u User) Group() int64 {
	if len(u.Groups) == 0 {
		return 0
	}
	return u.Groups[0]
}

// Files says where the files of a machine are among those of package os: below a root, or in a
// volume that is mounted.
type Files interface {
	// Path returns the name, for package os, of a machine's file, whose name is absolute and
	// clean, and has no link in it but possibly the last part.
	Path(name string) string
	// Refuses returns why the file may not be changed, or nil.
	Refuses(name string) error
}

// Getenv returns the value of a variable, "" if it is not set.
func (p *Process) Getenv(name string) string {
	value, _ := p.LookupEnv(name)
	return value
}

// LookupEnv returns the value of a variable, and whether it is set. The last one wins.
func (p *Process) LookupEnv(name string) (value string, isSet bool) {
	for _, variable := range p.Env {
		if rest, is := strings.CutPrefix(variable, name+"="); is {
			value, isSet = rest, true
		}
	}
	return value, isSet
}
