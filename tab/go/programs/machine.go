package programs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// binDirectories are where programs are on a machine, though no file is there.
var binDirectories = []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"}

// Signal is the cause with which a context ends a program: its exit code is then 128 and the
// number.
type Signal int

const (
	SIGINT  Signal = 2
	SIGKILL Signal = 9
	SIGPIPE Signal = 13
	SIGTERM Signal = 15
)

var signalNames = map[string]Signal{
	"HUP": 1, "INT": SIGINT, "QUIT": 3, "ABRT": 6, "KILL": SIGKILL, "USR1": 10, "USR2": 12,
	"PIPE": SIGPIPE, "ALRM": 14, "TERM": SIGTERM,
}

// OutOfMemory is the cause with which a program ends that has taken all memory.
var OutOfMemory = errors.New("out of memory")

func (s Signal) Error() string { return fmt.Sprintf("signal %d", int(s)) }

// processes are those that run on a machine, by their number.
type processes struct {
	sync.Mutex
	running map[int]*runningProcess
	last    int
}

type runningProcess struct {
	args   []string
	cancel context.CancelCauseFunc
}

func (p *processes) add(args []string, cancel context.CancelCauseFunc) int {
	p.Lock()
	defer p.Unlock()
	if p.running == nil {
		p.running = map[int]*runningProcess{}
	}
	p.last++
	p.running[p.last] = &runningProcess{args, cancel}
	return p.last
}

func (p *processes) remove(pid int) {
	p.Lock()
	defer p.Unlock()
	delete(p.running, pid)
}

// Kill ends a process by a signal, or looks for it with signal 0; it reports whether the
// process was there. The first program of a machine has number 1.
func (m *Machine) Kill(pid int, signal Signal) bool {
	m.processes.Lock()
	process, isRunning := m.processes.running[pid]
	m.processes.Unlock()
	if isRunning && signal != 0 {
		process.cancel(signal)
	}
	return isRunning
}

// Find returns the program that a command's first word names, from a directory: a name alone,
// or one in a directory of programs. Scripts are not found here.
func (m *Machine) Find(word, dir string) (Program, bool) {
	name := word
	if strings.Contains(word, "/") {
		if !path.IsAbs(word) {
			word = path.Join(dir, word)
		}
		dir, name = path.Split(path.Clean(word))
		if !slices.Contains(binDirectories, path.Clean(dir)) {
			return nil, false
		}
	}
	program, found := m.Programs[name]
	return program, found
}

// Run runs the program that p.Args names, or a script in a file, and returns its exit code. A
// program that panics ends with 139. It is 127 if there is no such program, and 126 if the file
// cannot be run. If a Signal is the cause for which ctx ends, the code is that of the signal.
func (m *Machine) Run(ctx context.Context, p *Process) (code int) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	isInner := ctx.Value(outermostKey{}) != nil
	if !isInner {
		ctx = context.WithValue(ctx, outermostKey{}, cancel)
	}
	process := *p
	process.Machine = m
	if process.Stdin == nil {
		process.Stdin = strings.NewReader("")
	}
	if process.Stdout == nil {
		process.Stdout = io.Discard
	}
	if process.Stderr == nil {
		process.Stderr = io.Discard
	}
	stdout := &guardedWriter{process.Stdout, cancel}
	if isSameWriter(process.Stdout, process.Stderr) {
		process.Stderr = stdout
	}
	process.Stdout = stdout
	process.pid = m.processes.add(p.Args, cancel)
	defer m.processes.remove(process.pid)
	defer func() {
		var signal Signal
		if problem := recover(); problem != nil {
			fmt.Fprintf(process.Stderr, "%s: the program ended: %v\n", path.Base(p.Args[0]),
				problem)
			code = 139
		} else if errors.Is(context.Cause(ctx), OutOfMemory) {
			fmt.Fprintf(process.Stderr, "%s: Killed: the programs in this tab have taken all of "+
				"its memory\n", path.Base(p.Args[0]))
			code = 128 + int(SIGKILL)
		} else if errors.Is(context.Cause(ctx), errFork) {
			// That of bash, which says it of itself only.
			if code = 254; !isInner {
				fmt.Fprintf(process.Stderr, "%s: %s\n", path.Base(p.Args[0]), errFork)
			}
		} else if errors.As(context.Cause(ctx), &signal) {
			code = 128 + int(signal)
		} else if ctx.Err() != nil && code == 0 {
			code = 128 + int(SIGTERM)
		}
	}()
	program, found := m.Find(p.Args[0], p.Dir)
	if !found {
		var words []string
		if words, code = process.scriptWords(); code != 0 {
			return code
		}
		process.Args = append(words, process.Args[1:]...)
		if program, found = m.Find(words[0], p.Dir); !found {
			fmt.Fprintf(process.Stderr, "%s: bad interpreter: No such file or directory\n",
				p.Args[0])
			return 127
		}
	}
	return program(withTurns(ctx, cancel), &process)
}

// scriptWords returns the words of the interpreter and the script, if Args[0] is one, or the
// exit code.
func (p *Process) scriptWords() ([]string, int) {
	word := p.Args[0]
	if !strings.Contains(word, "/") {
		fmt.Fprintf(p.Stderr, "%s: command not found\n", word)
		return nil, 127
	}
	info, err := p.Stat(word)
	if err == nil && info.IsDir() {
		err = syscall.EISDIR
	} else if err == nil && info.Mode()&0o111 == 0 {
		err = syscall.EACCES
	}
	var file io.ReadCloser
	if err == nil {
		file, err = p.OpenFile(word, os.O_RDONLY, 0)
	}
	if err != nil {
		fmt.Fprintf(p.Stderr, "%s: %s\n", word, reason(err))
		if errors.Is(err, os.ErrNotExist) {
			return nil, 127
		}
		return nil, 126
	}
	defer file.Close()
	line, _ := bufio.NewReader(io.LimitReader(file, 256)).ReadString('\n')
	words := []string{"sh"}
	if rest, is := strings.CutPrefix(line, "#!"); is {
		// All after the interpreter is one word.
		words = strings.SplitN(strings.TrimSpace(rest), " ", 2)
	}
	return append(words, word), 0
}

// isSameWriter reports whether output and messages go to one place, so that they share a lock.
func isSameWriter(a, b io.Writer) bool {
	kind := reflect.TypeOf(a)
	return kind == reflect.TypeOf(b) && kind.Comparable() && a == b
}

// guardedWriter ends the program when nobody reads its output any more.
type guardedWriter struct {
	io.Writer
	cancel context.CancelCauseFunc
}

func (w *guardedWriter) Write(bytes []byte) (int, error) {
	count, err := w.Writer.Write(bytes)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		w.cancel(SIGPIPE)
	}
	return count, err
}
