package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// shell is sh or bash while it runs: an interpreter, and what that lacks of a system.
type shell struct {
	*Process
	ctx  context.Context
	name string
	// text is the script of -c.
	text   string
	runner *interp.Runner
	jobs   jobs
	// line is where the statement that runs begins.
	line int
	mask fs.FileMode
	// isUnbound says that the statement that runs needs a variable that is not set.
	isUnbound atomic.Bool
	// files are the descriptors above 2 that `exec` has opened.
	files map[string]File
	// sources is how many scripts were sourced.
	sources int
	lock    sync.Mutex
}

// shellCommand is the command line of a shell: what it runs, and with which options.
type shellCommand struct {
	source          io.Reader
	name            string
	options, params []string
	// readsInput says that the script is the standard input.
	readsInput bool
}

// runShell is sh and bash.
func runShell(ctx context.Context, p *Process) int {
	s := &shell{Process: p, name: path.Base(p.Args[0]), mask: 0o022}
	s.ctx = context.WithValue(ctx, enterKey, s.enter)
	command, code := s.parseCommand()
	if code != 0 {
		return code
	}
	if closer, is := command.source.(io.Closer); is {
		defer closer.Close()
	}
	stdin := p.Stdin
	if _, isFile := stdin.(*os.File); !isFile {
		// The interpreter itself stops to wait only for a file.
		stdin = &input{Reader: stdin, ctx: s.ctx}
	}
	switch {
	case command.readsInput && s.name == "bash":
		// Its commands read what follows in the script.
		var end func()
		stdin, end = shareInput(stdin)
		defer end()
		command.source = &lineReader{stdin}
	case command.readsInput:
		// dash has read that already.
		stdin = strings.NewReader("")
	}
	messages := &lockedWriter{Writer: p.Stderr}
	var stdout, stderr io.Writer = messages, &messageWriter{messages, s}
	if p.Stdout != p.Stderr {
		stdout = &lockedWriter{Writer: p.Stdout}
	}
	user := strconv.FormatInt(p.Machine.User.ID, 10)
	variables := environ{expand.ListEnviron(environment(p.Env)...), map[string]string{
		"UID": user, "EUID": user, "GID": strconv.FormatInt(p.Machine.User.Group(), 10),
		"HOME": "/root", shellName: command.name,
		shellNumber: strconv.Itoa(p.pid), lastJob: "",
	}, nil}
	dir := p.Dir
	var session *sessionStart
	if p.Session != nil {
		session = p.Session.begin(variables, dir)
		variables, dir = session.variables, session.dir
	}
	runner, err := interp.New(
		interp.Env(variables), interp.StdIO(stdin, stdout, stderr),
		interp.Params(append(append(command.options, "--"), command.params...)...),
		interp.CallHandler(s.call), interp.ExecHandlers(s.exec),
		interp.OpenHandler(s.open), interp.StatHandler(s.statFile),
		interp.AccessHandler(s.access), interp.ReadDirHandler2(s.readDir),
	)
	if err != nil {
		return s.fail(2, "%s", err)
	}
	runner.Dir = dir
	s.runner = runner
	defer s.endJobs()
	if session != nil {
		session.prepare(s)
	}
	if s.name == "bash" {
		s.importFunctions()
	}
	code = s.runSource(command.source)
	if session != nil {
		session.end(runner, code)
	}
	return code
}

// importFunctions defines the functions that the environment has, as bash exports them.
func (s *shell) importFunctions() {
	for _, variable := range s.Env {
		rest, isFunction := strings.CutPrefix(variable, "BASH_FUNC_")
		name, body, isWhole := strings.Cut(rest, "%%=")
		if !isFunction || !isWhole || !syntax.ValidName(name) || !strings.HasPrefix(body, "() {") {
			continue
		}
		file, err := newParser().Parse(strings.NewReader(name+body), "")
		if err != nil || len(file.Stmts) != 1 {
			continue
		}
		// Nothing but a function is run here.
		if _, is := file.Stmts[0].Cmd.(*syntax.FuncDecl); is {
			s.runner.Run(s.ctx, s.adapt(file.Stmts[0]))
		}
	}
}

// parseCommand takes the command line apart, or returns the exit code.
func (s *shell) parseCommand() (shellCommand, int) {
	command, words, isString := shellCommand{name: s.Args[0]}, s.Args[1:], false
	for len(words) > 0 && len(words[0]) > 1 && (words[0][0] == '-' || words[0][0] == '+') {
		word := words[0]
		words = words[1:]
		if word == "--" {
			break
		}
		if strings.HasPrefix(word, "--") {
			switch word {
			case "--login", "--norc", "--noprofile", "--posix":
				continue
			}
			return command, s.fail(2, "%s: invalid option", word)
		}
		for _, letter := range word[1:] {
			switch letter {
			case 'c':
				isString = true
			case 'l', 'i', 's', 'm', 'h', 'B':
			case 'o':
				if len(words) == 0 {
					return command, s.fail(2, "-o: option requires an argument")
				}
				command.options = append(command.options, word[:1]+"o", words[0])
				words = words[1:]
			case 'a', 'e', 'f', 'n', 'u', 'x':
				command.options = append(command.options, word[:1]+string(letter))
			default:
				return command, s.fail(2, "-%c: invalid option", letter)
			}
		}
	}
	switch {
	case isString && len(words) == 0:
		return command, s.fail(2, "-c: option requires an argument")
	case isString:
		s.text = words[0]
		command.source, words = strings.NewReader(words[0]), words[1:]
		if len(words) > 0 {
			command.name, words = words[0], words[1:]
		}
	case len(words) > 0:
		file, err := s.Open(words[0])
		if err != nil {
			return command, s.fail(127, "%s: %s", words[0], reason(err))
		}
		command.source, command.name, words = file, words[0], words[1:]
	default:
		command.source, command.readsInput = s.Stdin, true
	}
	command.params = words
	return command, 0
}

// runSource runs each statement as soon as it is read, and what EXIT traps.
func (s *shell) runSource(source io.Reader) int {
	code := 0
	interrupted := &input{Reader: source, ctx: s.ctx}
	for statement, err := range newParser().StmtsSeq(interrupted) {
		if err != nil {
			if s.ctx.Err() == nil {
				code = s.fail(2, "%s", s.syntaxMessage(err))
			}
			break
		}
		s.line = int(statement.Pos().Line())
		s.isUnbound.Store(false)
		code = s.code(s.runner.Run(s.ctx, s.adapt(statement)))
		if s.runner.Exited() || s.ctx.Err() != nil {
			return s.unboundCode(code)
		}
	}
	if err := s.runner.Run(s.ctx, &syntax.File{}); err != nil && s.ctx.Err() == nil && code == 0 {
		code = s.code(err)
	}
	return code
}

// shareInput returns an input that an interpreter and its commands read in turn, and what is to be
// done at the end. Where there are pipes, an interpreter copies all of what is no file into one.
func shareInput(stdin io.Reader) (io.Reader, func()) {
	if _, isFile := stdin.(*os.File); isFile {
		return stdin, func() {}
	}
	file, writer, err := os.Pipe()
	if err != nil {
		return stdin, func() {}
	}
	go func() {
		io.Copy(writer, stdin)
		writer.Close()
	}()
	return file, func() { file.Close() }
}

// lineReader reads no more than a line at once.
type lineReader struct{ io.Reader }

func (r *lineReader) Read(bytes []byte) (int, error) {
	for count := range bytes {
		if read, err := r.Reader.Read(bytes[count : count+1]); err != nil || read == 0 {
			return count + read, err
		}
		if bytes[count] == '\n' {
			return count + 1, nil
		}
	}
	return len(bytes), nil
}

func newParser() *syntax.Parser { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }

// code returns the exit code of what the interpreter returns.
func (s *shell) code(err error) int {
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case s.ctx.Err() == nil:
		return s.fail(1, "%s", err)
	}
	return 1
}

// fail writes a message and returns the code.
func (s *shell) fail(code int, format string, values ...any) int {
	fmt.Fprintf(s.Stderr, "%s: %s\n", s.name, fmt.Sprintf(format, values...))
	return code
}

// at returns the process as the interpreter sees it: with its directory, input and output.
func (s *shell) at(ctx context.Context) *Process {
	handler := interp.HandlerCtx(ctx)
	process := *s.Process
	process.Session = nil
	process.Dir = handler.Dir
	process.Stdin, process.Stdout, process.Stderr = handler.Stdin, handler.Stdout, handler.Stderr
	return &process
}

// exec runs a program.
func (s *shell) exec(interp.ExecHandlerFunc) interp.ExecHandlerFunc {
	return func(ctx context.Context, args []string) error {
		handler := interp.HandlerCtx(ctx)
		if own, is := builtins[args[0]]; is {
			return own(s, ctx, args)
		}
		process := s.at(ctx)
		process.Args = args
		process.Env = exportedVariables(handler.Env)
		if _, found := s.Machine.Find(args[0], process.Dir); !found &&
			!strings.Contains(args[0], "/") {
			if s.name == "bash" {
				fmt.Fprintf(process.Stderr, "bash: line %d: %s: command not found\n",
					handler.Pos.Line(), args[0])
			} else {
				fmt.Fprintf(process.Stderr, "%s: %d: %s: not found\n", s.name,
					handler.Pos.Line(), args[0])
			}
			return interp.ExitStatus(127)
		}
		return status(s.Machine.Run(ctx, process))
	}
}

// status returns what the interpreter takes for an exit code.
func status(code int) error {
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(code)
}

// exportedVariables returns the variables that programs get.
func exportedVariables(env expand.Environ) []string {
	var variables []string
	for name, variable := range env.Each {
		if variable.Exported && variable.IsSet() && variable.Kind == expand.String {
			variables = append(variables, name+"="+variable.Str)
		}
	}
	return environment(variables)
}

func (s *shell) open(
	ctx context.Context, name string, flag int, perm fs.FileMode,
) (io.ReadWriteCloser, error) {
	if number, is := strings.CutPrefix(name, descriptors); is {
		s.lock.Lock()
		defer s.lock.Unlock()
		if file, isOpen := s.files[number]; isOpen {
			return unclosed{file}, nil
		}
		return nil, s.failedFile(number, errors.New("Bad file descriptor"))
	}
	file, err := s.at(ctx).OpenFile(name, flag, perm&^s.mask)
	if err != nil {
		return nil, s.failedFile(name, err)
	}
	return file, nil
}

// failedFile returns an error of a redirection in bash's words.
func (s *shell) failedFile(name string, err error) error {
	return &fs.PathError{
		Op: s.name + ":", Path: fmt.Sprintf("line %d: %s", s.line, name),
		Err: errors.New(reason(err)),
	}
}

func (s *shell) statFile(
	ctx context.Context, name string, follow bool,
) (fs.FileInfo, error) {
	return s.at(ctx).stat(name, follow)
}

func (s *shell) readDir(ctx context.Context, name string) ([]fs.DirEntry, error) {
	return s.at(ctx).ReadDir(name)
}

// access reports whether a file may be used, as root may: all but the execution of what is not
// executable, and the change of what is read-only.
func (s *shell) access(ctx context.Context, name string, mode interp.AccessMode) error {
	process := s.at(ctx)
	info, err := process.Stat(name)
	if err != nil {
		return err
	}
	if mode&interp.AccessExec != 0 && !info.IsDir() && info.Mode()&0o111 == 0 {
		return fs.ErrPermission
	}
	if mode&interp.AccessWrite != 0 {
		_, err = process.locate(name, true, true)
	}
	return err
}

// environ is the environment, variables that programs do not get, and what a session keeps.
type environ struct {
	expand.Environ
	own  map[string]string
	kept map[string]expand.Variable
}

func (e environ) Each(take func(name string, variable expand.Variable) bool) {
	for name, variable := range e.Environ.Each {
		if _, isKept := e.kept[name]; !isKept && !take(name, variable) {
			return
		}
	}
	for name, variable := range e.kept {
		if !take(name, variable) {
			return
		}
	}
}

func (e environ) Get(name string) expand.Variable {
	if variable, isKept := e.kept[name]; isKept {
		return variable
	}
	variable := e.Environ.Get(name)
	value, isOwn := e.own[name]
	if !variable.IsSet() && isOwn {
		return expand.Variable{Set: true, Kind: expand.String, Str: value}
	}
	return variable
}

// lockedWriter lets background jobs write, too.
type lockedWriter struct {
	io.Writer
	lock sync.Mutex
}

func (w *lockedWriter) Write(bytes []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.Writer.Write(bytes)
}

// unclosed is a file that stays open when a redirection ends.
type unclosed struct{ io.ReadWriter }

func (unclosed) Close() error { return nil }
