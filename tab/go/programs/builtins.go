package programs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// builtin is a command of the shell that the interpreter lacks, or has for another system.
type builtin func(s *shell, ctx context.Context, args []string) error

// builtins are called by these names only after call has looked at the words.
var builtins map[string]builtin

func init() {
	builtins = map[string]builtin{
		startJob: (*shell).startJob, endJob: (*shell).endJob,
		keepInput: (*shell).keepInput, openFile: (*shell).openFile, refuse: (*shell).refuse,
		printFunctions: (*shell).printFunctions,
		own + "echo":   (*shell).echo, own + "printf": (*shell).printf,
		own + "wait": (*shell).wait, own + "kill": (*shell).kill, own + "jobs": (*shell).listJobs,
		own + "command": (*shell).find, own + "type": (*shell).find,
		own + "pwd": (*shell).physicalDir, own + "umask": (*shell).umask,
		own + "cd": (*shell).failedDir,
	}
}

// call looks at a command before the interpreter does, and puts ours in its place.
func (s *shell) call(ctx context.Context, args []string) ([]string, error) {
	name, rest := args[0], args[1:]
	switch name {
	case "echo", "printf", "wait", "kill", "jobs", "umask":
		return append([]string{own + name}, rest...), nil
	case "command", "type":
		if name == "type" || len(rest) > 0 && (rest[0] == "-v" || rest[0] == "-V") {
			return append([]string{own + name}, rest...), nil
		}
	case "pwd":
		if len(rest) > 0 && rest[0] == "-P" {
			return []string{own + "pwd"}, nil
		}
	case "cd":
		for len(rest) > 0 && (rest[0] == "-P" || rest[0] == "-L" || rest[0] == "--") {
			rest = rest[1:]
		}
		if len(rest) == 1 && rest[0] != "-" {
			if info, err := s.at(ctx).Stat(rest[0]); err != nil || !info.IsDir() {
				return []string{own + "cd", rest[0]}, nil
			}
		}
		return append([]string{name}, rest...), nil
	case "eval":
		return []string{name, s.adaptText(strings.Join(rest, " "))}, nil
	case "trap":
		return s.trapWords(args), nil
	case "source", ".":
		if len(rest) > 0 {
			return s.sourceWords(ctx, args), nil
		}
	}
	return args, nil
}

// sourceWords puts a script that is adapted in place of a file: the interpreter reads it by a
// descriptor. A file that cannot be read stays, by an absolute name, so that the interpreter
// looks nowhere else.
func (s *shell) sourceWords(ctx context.Context, args []string) []string {
	words := append([]string{}, args...)
	text, err := s.at(ctx).ReadFile(args[1])
	if err != nil {
		if !path.IsAbs(args[1]) {
			words[1] = path.Join(interp.HandlerCtx(ctx).Dir, args[1])
		}
		return words
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.sources++
	number := "source" + strconv.Itoa(s.sources)
	s.keepFile(number, device{Reader: strings.NewReader(s.adaptText(string(text)))})
	words[1] = descriptors + number
	return words
}

// keepFile keeps a file as a descriptor, in place of another one.
func (s *shell) keepFile(number string, file File) {
	if s.files == nil {
		s.files = map[string]File{}
	}
	if old, isOpen := s.files[number]; isOpen {
		old.Close()
	}
	delete(s.files, number)
	if file != nil {
		s.files[number] = file
	}
}

func (s *shell) refuse(ctx context.Context, args []string) error {
	fmt.Fprintf(interp.HandlerCtx(ctx).Stderr, "%s: %s\n", s.name, args[1])
	return interp.ExitStatus(2)
}

// trapWords leaves out signals, which are never caught here, and adapts what is run.
func (s *shell) trapWords(args []string) []string {
	if len(args) < 3 {
		return args
	}
	words := []string{"trap", s.adaptText(args[1])}
	if args[1] == "--" {
		words = []string{"trap", s.adaptText(args[2])}
		args = args[1:]
	}
	if args[1] == "-" || args[1] == "" {
		words[1] = "-"
	}
	for _, signal := range args[2:] {
		switch strings.ToUpper(signal) {
		case "EXIT", "0":
			words = append(words, "EXIT")
		case "ERR":
			words = append(words, "ERR")
		}
	}
	if len(words) == 2 {
		return []string{"true"}
	}
	return words
}

// write writes what a builtin prints; a shell whose output nobody reads ends.
func (s *shell) write(ctx context.Context, text string) error {
	handler := interp.HandlerCtx(ctx)
	_, err := io.WriteString(handler.Stdout, text)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return handler.Builtin(ctx, []string{"exit", strconv.Itoa(128 + int(SIGPIPE))})
	}
	if err != nil {
		fmt.Fprintf(handler.Stderr, "%s: write error: %s\n", s.name, reason(err))
		return interp.ExitStatus(1)
	}
	return nil
}

// echo takes escapes always in sh, which is dash, and with -e in bash.
func (s *shell) echo(ctx context.Context, args []string) error {
	words, end, expands := args[1:], "\n", s.name != "bash"
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		letters := words[0][1:]
		known := "n"
		if s.name == "bash" {
			known = "neE"
		}
		if strings.Trim(letters, known) != "" {
			break
		}
		for _, letter := range letters {
			switch letter {
			case 'n':
				end = ""
			case 'e':
				expands = true
			case 'E':
				expands = false
			}
		}
		words = words[1:]
	}
	text := strings.Join(words, " ")
	if expands {
		// \c ends the output.
		if before, _, isCut := strings.Cut(text, `\c`); isCut {
			text, end = before, ""
		}
		text, _, _ = expandFormat(strings.ReplaceAll(text, "%", "%%"), nil)
	}
	return s.write(ctx, text+end)
}

// expandFormat is expand.Format with a Config of its own: that of nil is one for all goroutines.
func expandFormat(format string, values []string) (string, int, error) {
	return expand.Format(new(expand.Config), format, values)
}

func (s *shell) printf(ctx context.Context, args []string) error {
	handler, words, name := interp.HandlerCtx(ctx), args[1:], ""
	if len(words) > 1 && words[0] == "-v" {
		name, words = words[1], words[2:]
	}
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		fmt.Fprintf(handler.Stderr, "printf: usage: printf [-v var] format [arguments]\n")
		return interp.ExitStatus(2)
	}
	text, problems := formatWords(words[0], words[1:])
	for _, problem := range problems {
		fmt.Fprintf(handler.Stderr, "%sprintf: %s\n", s.place(handler.Pos.Line()), problem)
	}
	if name != "" {
		quoted, err := syntax.Quote(text, syntax.LangBash)
		if err != nil || !syntax.ValidName(name) {
			return interp.ExitStatus(2)
		}
		return handler.Builtin(ctx, []string{"eval", name + "=" + quoted})
	}
	if err := s.write(ctx, text); err != nil {
		return err
	}
	return status(min(len(problems), 1))
}

// place returns what begins a message of a builtin: the shell, and the line of a script.
func (s *shell) place(line uint) string {
	if s.name == "bash" {
		return fmt.Sprintf("bash: line %d: ", line)
	}
	return fmt.Sprintf("%s: %d: ", s.name, line)
}

// escapeWord returns a word as bash's %q does: with backslashes, or in $'…'.
func escapeWord(word string) string {
	if word == "" {
		return "''"
	}
	if strings.ContainsFunc(word, unicode.IsControl) {
		quoted, err := syntax.Quote(word, syntax.LangBash)
		if err == nil {
			return quoted
		}
	}
	special := regexp.MustCompile(`[^\w@%+=:,./-]`)
	return special.ReplaceAllStringFunc(word, func(letter string) string {
		if letter[0] >= 0x80 {
			return letter
		}
		return `\` + letter
	})
}

// find is `command -v` and `type`.
func (s *shell) find(ctx context.Context, args []string) error {
	isType := args[0] == own+"type"
	describes, code := isType, 0
	kindOnly, words := false, args[1:]
	for len(words) > 0 && strings.HasPrefix(words[0], "-") {
		describes = describes && words[0] != "-p" && words[0] != "-P" || words[0] == "-V"
		kindOnly = kindOnly || words[0] == "-t"
		words = words[1:]
	}
	handler, out := interp.HandlerCtx(ctx), ""
	for _, word := range words {
		where, kind := word, ""
		_, isFunction := s.runner.Funcs[word]
		program, found := s.Machine.Find(word, handler.Dir)
		switch {
		case syntax.IsKeyword(word):
			kind = "keyword"
		case isFunction:
			kind = "function"
		case interp.IsBuiltin(word):
			kind = "builtin"
		case found && program != nil:
			kind = "file"
			if !strings.Contains(word, "/") {
				where = "/usr/bin/" + word
			}
		}
		switch {
		case kind == "":
			code = 1
			if describes && !kindOnly {
				fmt.Fprintf(handler.Stderr, "%s: type: %s: not found\n", s.name, word)
			}
		case kindOnly:
			out += kind + "\n"
		case !describes:
			out += where + "\n"
		case kind == "file":
			out += word + " is " + where + "\n"
		case kind == "function":
			out += word + " is a function\n"
		default:
			out += word + " is a shell " + kind + "\n"
		}
	}
	if err := s.write(ctx, out); err != nil {
		return err
	}
	return status(code)
}

func (s *shell) physicalDir(ctx context.Context, _ []string) error {
	at, err := s.at(ctx).resolve(".", true)
	if err != nil {
		return interp.ExitStatus(1)
	}
	return s.write(ctx, at+"\n")
}

// failedDir says why `cd` cannot go to a directory.
func (s *shell) failedDir(ctx context.Context, args []string) error {
	handler, process := interp.HandlerCtx(ctx), s.at(ctx)
	_, err := process.Stat(args[1])
	if err == nil {
		err = syscall.ENOTDIR
	}
	if s.name == "bash" {
		fmt.Fprintf(handler.Stderr, "bash: line %d: cd: %s: %s\n", handler.Pos.Line(),
			args[1], reason(err))
		return interp.ExitStatus(1)
	}
	fmt.Fprintf(handler.Stderr, "%s: %d: cd: can't cd to %s\n", s.name, handler.Pos.Line(), args[1])
	return interp.ExitStatus(2)
}

func (s *shell) umask(ctx context.Context, args []string) error {
	if len(args) == 1 {
		return s.write(ctx, fmt.Sprintf("%04o\n", s.mask))
	}
	bits, err := strconv.ParseUint(args[1], 8, 12)
	if err != nil {
		return interp.ExitStatus(1)
	}
	s.mask = os.FileMode(bits)
	return nil
}

// keepInput writes its input to a file, and the file's name to its output.
func (s *shell) keepInput(ctx context.Context, _ []string) error {
	process := s.at(ctx)
	s.lock.Lock()
	name := fmt.Sprintf("/tmp/.sh-%d-%d", s.pid, len(s.jobs.kept))
	s.jobs.kept = append(s.jobs.kept, name)
	s.lock.Unlock()
	file, err := process.Create(name)
	if err != nil {
		fmt.Fprintf(process.Stderr, "%s: %s: %s\n", s.name, name, reason(err))
		return interp.ExitStatus(1)
	}
	defer file.Close()
	if _, err = io.Copy(file, process.Stdin); err != nil {
		return interp.ExitStatus(1)
	}
	return s.write(ctx, name)
}

// openFile opens or closes a descriptor above 2: its number, the sign and the target.
func (s *shell) openFile(ctx context.Context, args []string) error {
	number, sign, target := args[1], args[2], args[3]
	process := s.at(ctx)
	var file File
	var err error
	switch {
	case target == "-":
	case target == "1" && sign == ">&":
		file = device{Writer: process.Stdout}
	case target == "2" && sign == ">&":
		file = device{Writer: process.Stderr}
	case target == "0" && sign == "<&":
		file = device{Reader: process.Stdin}
	case sign == ">":
		file, err = process.OpenFile(target, createFlag(false), 0o666&^s.mask)
	case sign == ">>":
		file, err = process.OpenFile(target, createFlag(true), 0o666&^s.mask)
	case sign == "<":
		file, err = process.Open(target)
	default:
		err = errors.New("this kind of redirection is not here")
	}
	if err != nil {
		fmt.Fprintln(process.Stderr, s.failedFile(target, err))
		return interp.ExitStatus(1)
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.keepFile(number, file)
	return nil
}
