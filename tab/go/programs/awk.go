package programs

import (
	"errors"
	"io"
	"strings"

	"github.com/benhoyt/goawk/interp"
	"github.com/benhoyt/goawk/parser"
)

// awk runs a program of awk. It reads its files as one input, so FILENAME is empty, and it runs
// no other programs and writes no files.
func awk(r *run) int {
	o := r.options("+F,field-separator= v,assign= f,file=")
	var source string
	switch {
	case o.has("f"):
		for _, name := range o.values["f"] {
			text, err := r.ReadFile(name)
			if err != nil {
				return r.fail(2, "cannot open %s (%s)", name, reason(err))
			}
			source += string(text) + "\n"
		}
	case len(o.operands) == 0:
		return r.fail(2, "usage: awk [-F fs] [-v var=value] 'program' [file ...]")
	default:
		source, o.operands = o.operands[0], o.operands[1:]
	}
	compiled, err := parser.ParseProgram([]byte(source), nil)
	if err != nil {
		return r.fail(2, "%s", err)
	}
	var readers []io.Reader
	for _, name := range o.operands {
		file, err := r.open(name)
		if err != nil {
			return r.fail(2, "cannot open %s (%s)", name, reason(err))
		}
		defer file.Close()
		readers = append(readers, file)
	}
	var in io.Reader = r.in
	if len(readers) > 0 {
		in = io.MultiReader(readers...)
	}
	config := &interp.Config{
		Stdin: readerFunc(func(bytes []byte) (int, error) {
			r.out.Flush()
			if err := r.ctx.Err(); err != nil {
				return 0, err
			}
			return in.Read(bytes)
		}),
		Output: r.out, Error: r.Stderr, Argv0: "awk", Chars: true,
		NoExec: true, NoFileReads: true, NoFileWrites: true, Environ: []string{},
	}
	for _, variable := range environment(r.Env) {
		name, value, _ := strings.Cut(variable, "=")
		config.Environ = append(config.Environ, name, value)
	}
	if o.has("F") {
		separator := unescape(o.last("F"))
		if separator == "t" {
			separator = "\t"
		}
		config.Vars = append(config.Vars, "FS", separator)
	}
	for _, text := range o.values["v"] {
		name, value, isAssignment := strings.Cut(text, "=")
		if !isAssignment {
			return r.fail(2, "invalid assignment: %s", text)
		}
		config.Vars = append(config.Vars, name, unescape(value))
	}
	interpreter, err := interp.New(compiled)
	if err != nil {
		return r.fail(2, "%s", err)
	}
	code, err := interpreter.ExecuteContext(r.ctx, config)
	if err != nil && r.ctx.Err() == nil && !errors.Is(err, io.ErrClosedPipe) {
		return r.fail(2, "%s", err)
	}
	return code
}
