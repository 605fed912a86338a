package programs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// run is a program while it runs: its output, its options and its messages.
type run struct {
	*Process
	ctx  context.Context
	name string
	// out is written when the input pauses and at the end.
	out *bufio.Writer
	in  *input
	// cannotOpen is the form of a message about a file and the reason.
	cannotOpen string
	// help says where help is, after a wrong option.
	help string
	// usage is the exit code after an unknown option.
	usage int
}

// program makes a Program of a function that returns an exit code.
func program(main func(*run) int) Program { return programWithUsage(1, main) }

func programWithUsage(usage int, main func(*run) int) Program {
	return func(ctx context.Context, p *Process) (code int) {
		r := &run{
			Process: p, ctx: ctx, name: path.Base(p.Args[0]), usage: usage, cannotOpen: "%s: %s",
			out: newWriter(p.Stdout), in: &input{Reader: p.Stdin, ctx: ctx},
		}
		defer func() {
			switch problem := recover().(type) {
			case nil:
			case exit:
				code = usage
			default:
				panic(problem)
			}
			if err := r.out.Flush(); err != nil && code == 0 && ctx.Err() == nil {
				code = r.fail(1, "write error: %s", reason(err))
			}
		}()
		return main(r)
	}
}

func newWriter(out io.Writer) *bufio.Writer { return bufio.NewWriter(out) }

// exit ends a program whose options are wrong.
type exit struct{}

// fail writes a message and returns the code. A program that is ended says nothing.
func (r *run) fail(code int, format string, values ...any) int {
	r.out.Flush()
	if r.ctx.Err() != nil {
		return code
	}
	fmt.Fprintf(r.Stderr, "%s: %s\n", r.name, fmt.Sprintf(format, values...))
	return code
}

// print writes a line.
func (r *run) print(words ...any) { fmt.Fprintln(r.out, words...) }

func (r *run) printf(format string, values ...any) { fmt.Fprintf(r.out, format, values...) }

// open opens a file; `-` is the standard input.
func (r *run) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(r.in), nil
	}
	return r.Open(name)
}

// eachFile calls a function with each file, or with the standard input if there is no name;
// it returns 1, after a message, if one cannot be read.
func (r *run) eachFile(names []string, do func(name string, in io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, name := range names {
		file, err := r.open(name)
		if err == nil {
			err = do(name, file)
			file.Close()
		}
		if r.ctx.Err() != nil {
			return 1
		}
		if err != nil {
			code = r.fail(1, r.cannotOpen, name, reason(err))
		}
	}
	return code
}

// errStop ends the reading of lines before the input does.
var errStop = errors.New("stop")

// eachLine calls a function with each line, without its end, as they come. The output is
// written before it waits for more.
func (r *run) eachLine(in io.Reader, do func(line string) error) error {
	return r.eachRecord(in, '\n', do)
}

// eachRecord does so with records that end with another byte.
func (r *run) eachRecord(in io.Reader, end byte, do func(record string) error) error {
	return r.eachRaw(in, end, func(record string) error {
		return do(strings.TrimSuffix(record, string(end)))
	})
}

// eachRaw does so with records and their end, which the last one may lack.
func (r *run) eachRaw(in io.Reader, end byte, do func(record string) error) error {
	reader := bufio.NewReader(in)
	for r.ctx.Err() == nil {
		if reader.Buffered() == 0 {
			r.out.Flush()
		}
		record, err := reader.ReadString(end)
		if record != "" {
			if err := do(record); err != nil {
				if err == errStop {
					return nil
				}
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return r.ctx.Err()
}

// lines returns all lines of the files, and 1 if one cannot be read.
func (r *run) lines(names []string) (lines []string, code int) {
	code = r.eachFile(names, func(_ string, in io.Reader) error {
		return r.eachLine(in, func(line string) error {
			lines = append(lines, line)
			return nil
		})
	})
	return lines, code
}

// copy writes all of the input as it comes.
func (r *run) copy(in io.Reader) error {
	r.out.Flush()
	_, err := io.Copy(r.Stdout, readerFunc(func(bytes []byte) (int, error) {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		return in.Read(bytes)
	}))
	return err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(bytes []byte) (int, error) { return f(bytes) }

// input is the standard input, whose reader does not wait any longer when ctx ends.
type input struct {
	io.Reader
	ctx context.Context
}

func (in *input) Read(bytes []byte) (int, error) {
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	type result struct {
		count int
		err   error
	}
	// The reader that is left behind must not write into bytes of the caller.
	own, done := make([]byte, len(bytes)), make(chan result, 1)
	go func() {
		count, err := in.Reader.Read(own)
		done <- result{count, err}
	}()
	select {
	case read := <-done:
		return copy(bytes, own[:read.count]), read.err
	case <-in.ctx.Done():
		return 0, in.ctx.Err()
	}
}

// options are those of a command line by their letters, or by their words without one.
type options struct {
	values map[string][]string
	// operands are the words that are no options.
	operands []string
}

func (o options) has(name string) bool { return len(o.values[name]) > 0 }

// last returns the value of an option, the last one if there are several.
func (o options) last(name string) string {
	if values := o.values[name]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// options takes the command line apart, as getopt_long does. The table has the options between
// blanks: `n`, `n,number`, `,null-data`; with `=` at its end it has a value. A `+` in front ends
// the options at the first operand. An unknown option ends the program.
func (r *run) options(table string) options {
	parsed := options{values: map[string][]string{}}
	rest, inOrder := strings.CutPrefix(table, "+")
	names, valued := map[string]string{}, map[string]bool{}
	for _, entry := range strings.Fields(rest) {
		entry, hasValue := strings.CutSuffix(entry, "=")
		letter, word, _ := strings.Cut(entry, ",")
		name := letter
		if name == "" {
			name = word
		}
		names["-"+letter], names["--"+word] = name, name
		valued[name] = hasValue
	}
	set := func(name, value string) { parsed.values[name] = append(parsed.values[name], value) }
	args := r.Args[1:]
	next := func(option string) string {
		if len(args) == 0 {
			r.misuse("option requires an argument -- '%s'", option)
		}
		value := args[0]
		args = args[1:]
		return value
	}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			parsed.operands = append(parsed.operands, args...)
			return parsed
		case strings.HasPrefix(word, "--"):
			option, value, hasValue := strings.Cut(word, "=")
			name, isKnown := names[option]
			if !isKnown {
				r.misuse("unrecognized option '%s'", option)
			}
			if valued[name] && !hasValue {
				value = next(option[2:])
			} else if hasValue && !valued[name] {
				r.misuse("option '%s' doesn't allow an argument", option)
			}
			set(name, value)
		case len(word) > 1 && word[0] == '-':
			for i := 1; i < len(word); i++ {
				name, isKnown := names["-"+word[i:i+1]]
				if !isKnown {
					r.misuse("invalid option -- '%s'", word[i:i+1])
				}
				if !valued[name] {
					set(name, "")
					continue
				}
				value := word[i+1:]
				if value == "" {
					value = next(word[i : i+1])
				}
				set(name, value)
				break
			}
		default:
			parsed.operands = append(parsed.operands, word)
			if inOrder {
				parsed.operands = append(parsed.operands, args...)
				return parsed
			}
		}
	}
	return parsed
}

// misuse writes a message about the command line and ends the program.
func (r *run) misuse(format string, values ...any) {
	r.fail(r.usage, format, values...)
	help := r.help
	if help == "" {
		help = fmt.Sprintf("Try '%s --help' for more information.", r.name)
	}
	fmt.Fprintln(r.Stderr, help)
	panic(exit{})
}
