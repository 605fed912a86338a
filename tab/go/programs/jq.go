package programs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// jqCommand is the command line of jq.
type jqCommand struct {
	options
	filter string
	files  []string
	// names and values are those of --arg and the like.
	names  []string
	values []any
	indent string
}

// jqLetters are the options of jq, which it takes anywhere and together.
const jqLetters = "c,compact-output r,raw-output j,join-output a,ascii-output S,sort-keys " +
	"e,exit-status n,null-input R,raw-input s,slurp M,monochrome-output ,tab ,unbuffered " +
	"f,from-file= ,indent="

// parseJQ takes the command line apart; it ends the program if an option is not here.
func (r *run) parseJQ() jqCommand {
	command := jqCommand{indent: "  "}
	named := map[string]any{}
	var positional []any
	kept := []string{r.Args[0]}
	take := func(words []string, count int) []string {
		if len(words) <= count {
			r.fail(2, "%s takes %d parameters", strings.TrimLeft(words[0], "-"), count)
			panic(exit{})
		}
		return words[1 : count+1]
	}
	isRest, hasFilter := "", false
	for words := r.Args[1:]; len(words) > 0; words = words[1:] {
		switch word := words[0]; word {
		case "--arg", "--argjson", "--slurpfile", "--rawfile":
			pair := take(words, 2)
			value := r.jqArgument(word, pair[0], pair[1])
			command.names, command.values = append(command.names, "$"+pair[0]),
				append(command.values, value)
			named[pair[0]] = value
			words = words[2:]
		case "--args", "--jsonargs":
			isRest = word
		case "--indent":
			width := take(words, 1)[0]
			kept, words = append(kept, word, width), words[1:]
		default:
			isOperand := !strings.HasPrefix(word, "-")
			if isOperand && hasFilter && isRest != "" {
				positional = append(positional, r.jqArgument(isRest, word, word))
				continue
			}
			// The file of -f, which is the next operand, counts as the filter.
			hasFilter = hasFilter || isOperand
			kept = append(kept, word)
		}
	}
	r.Args = kept
	r.help = "Use jq --help for help with command-line options,\n" +
		"or see the jq manpage, or online docs  at https://jqlang.github.io/jq"
	command.options = r.options(jqLetters)
	command.files = command.operands
	switch {
	case command.has("f"):
		text, err := r.ReadFile(command.last("f"))
		if err != nil {
			r.fail(2, "error: Could not open file %s: %s", command.last("f"), reason(err))
			panic(exit{})
		}
		command.filter = string(text)
	case len(command.files) > 0:
		command.filter, command.files = command.files[0], command.files[1:]
	default:
		command.filter = "."
	}
	if command.has("tab") {
		command.indent = "\t"
	} else if command.has("indent") {
		width, err := strconv.Atoi(command.last("indent"))
		if err != nil || width < 0 || width > 7 {
			r.fail(2, "Cannot indent more than 7 characters")
			panic(exit{})
		}
		command.indent = strings.Repeat(" ", width)
	}
	if command.has("c") {
		command.indent = ""
	}
	if positional == nil {
		positional = []any{}
	}
	command.names = append(command.names, "$ARGS")
	args := map[string]any{"named": named, "positional": positional}
	command.values = append(command.values, args)
	return command
}

// jqArgument returns the value of --arg and the like.
func (r *run) jqArgument(option, name, text string) any {
	fail := func(format string, values ...any) {
		r.fail(2, format, values...)
		panic(exit{})
	}
	switch option {
	case "--argjson", "--jsonargs":
		value, err := newOrderedDecoder(strings.NewReader(text), &keyOrders{}).next()
		if err != nil {
			fail("Invalid JSON text passed to %s", option)
		}
		return value
	case "--slurpfile", "--rawfile":
		bytes, err := r.ReadFile(text)
		if err != nil {
			fail("Bad JSON in %s %s %s: Could not open it: %s", option, name, text, reason(err))
		}
		if option == "--rawfile" {
			return string(bytes)
		}
		values := []any{}
		for decoder := newOrderedDecoder(strings.NewReader(string(bytes)), &keyOrders{}); ; {
			value, err := decoder.next()
			if err == io.EOF {
				return values
			}
			if err != nil {
				fail("Bad JSON in --slurpfile %s %s: %s", name, text, err)
			}
			values = append(values, value)
		}
	}
	return text
}

// jqInputs are the inputs of a filter, one after the other.
type jqInputs struct {
	*run
	command jqCommand
	orders  *keyOrders
	files   []string
	file    io.ReadCloser
	next    func() (any, error)
	// code is 2 after an input that cannot be read.
	code int
	// isSlurped says that the one input of -s was read.
	isSlurped bool
}

// Next returns the next input, or an error; it makes jqInputs a gojq.Iter.
func (in *jqInputs) Next() (any, bool) {
	value, err := in.nextInput()
	if err == io.EOF {
		return nil, false
	}
	if err != nil {
		return err, true
	}
	return value, true
}

func (in *jqInputs) nextInput() (any, error) {
	if !in.command.has("s") {
		return in.nextValue()
	}
	if in.isSlurped {
		return nil, io.EOF
	}
	in.isSlurped = true
	values, text := []any{}, strings.Builder{}
	for {
		value, err := in.nextValue()
		switch {
		case err == io.EOF && in.command.has("R"):
			return text.String(), nil
		case err == io.EOF:
			return values, nil
		case err != nil:
			return nil, err
		}
		if part, is := value.(string); is && in.command.has("R") {
			text.WriteString(part)
		} else {
			values = append(values, value)
		}
	}
}

// nextValue returns the next value of all files.
func (in *jqInputs) nextValue() (any, error) {
	for {
		if in.next == nil {
			if len(in.files) == 0 {
				return nil, io.EOF
			}
			name := in.files[0]
			in.files = in.files[1:]
			file, err := in.open(name)
			if err != nil {
				in.code = in.fail(2, "error: Could not open file %s: %s", name, reason(err))
				continue
			}
			in.file = file
			if in.command.has("R") && in.command.has("s") {
				in.next = newWholeDecoder(file)
			} else if in.command.has("R") {
				in.next = newLineDecoder(file)
			} else {
				in.next = newOrderedDecoder(file, in.orders).next
			}
		}
		in.out.Flush()
		value, err := in.next()
		if err != io.EOF {
			return value, err
		}
		in.file.Close()
		in.next = nil
	}
}

// jq filters JSON.
func jq(r *run) int {
	command := r.parseJQ()
	fail := func(err error) int {
		r.fail(3, "error: %s\njq: 1 compile error", err)
		return 3
	}
	query, err := gojq.Parse(command.filter)
	if err != nil {
		return fail(err)
	}
	orders := &keyOrders{}
	orders.addShape([]string{"positional", "named"})
	if err := orders.orderQuery(query); err != nil {
		return fail(err)
	}
	inputs := &jqInputs{run: r, command: command, orders: orders, files: command.files}
	if len(inputs.files) == 0 {
		inputs.files = []string{"-"}
	}
	code, err := gojq.Compile(query, gojq.WithVariables(command.names),
		gojq.WithEnvironLoader(func() []string { return r.Env }), gojq.WithInputIter(inputs),
		gojq.WithFunction("debug", 0, 0, func(value any, _ []any) any {
			text, _ := gojq.Marshal([]any{"DEBUG:", value})
			fmt.Fprintf(r.Stderr, "%s\n", text)
			return value
		}),
		gojq.WithFunction("stderr", 0, 0, func(value any, _ []any) any {
			text, _ := gojq.Marshal(value)
			r.Stderr.Write(text)
			return value
		}),
		gojq.WithFunction("_keys_in_order", 0, 0, orders.keysInOrder),
		gojq.WithFunction("input_filename", 0, 0, func(any, []any) any { return nil }),
	)
	if err != nil {
		return fail(err)
	}
	printer := &jqPrinter{run: r, command: command, orders: orders}
	ended, steps := 0, seldom{r.ctx, new(int)}
	for {
		var input any
		if command.has("n") {
			if inputs.isSlurped = true; printer.isDone {
				break
			}
			printer.isDone, inputs.isSlurped = true, false
		} else if input, err = inputs.nextInput(); err == io.EOF {
			break
		} else if err != nil {
			if r.ctx.Err() != nil {
				return 1
			}
			return printer.failed(err)
		}
		stop, status := printer.printAll(code.RunWithContext(steps, input, command.values...))
		if stop {
			return status
		}
		ended = max(ended, status)
	}
	switch {
	case ended != 0:
		return ended
	case inputs.code != 0:
		return inputs.code
	case command.has("e"):
		return printer.status()
	}
	return 0
}

// jqPrinter writes the outputs of a filter.
type jqPrinter struct {
	*run
	command jqCommand
	orders  *keyOrders
	// isDone says that -n has run the filter.
	isDone, hasOutput bool
	last              any
}

// status is the exit code of -e: 1 if the last output is false or null, 4 without one.
func (p *jqPrinter) status() int {
	switch {
	case !p.hasOutput:
		return 4
	case p.last == nil || p.last == false:
		return 1
	}
	return 0
}

// printAll writes the outputs for one input; it returns whether jq ends, and the exit code.
func (p *jqPrinter) printAll(outputs gojq.Iter) (bool, int) {
	for {
		value, more := outputs.Next()
		if !more {
			return false, 0
		}
		err, isError := value.(error)
		if !isError {
			p.print(value)
			continue
		}
		var halt *gojq.HaltError
		var parse *parseError
		switch {
		case p.ctx.Err() != nil:
			return true, 1
		case errors.As(err, &parse):
			return true, p.failed(err)
		case errors.As(err, &halt):
			if text, is := halt.Value().(string); is {
				fmt.Fprint(p.Stderr, text)
			} else if halt.Value() != nil {
				text, _ := gojq.Marshal(halt.Value())
				fmt.Fprintf(p.Stderr, "%s\n", text)
			}
			return true, halt.ExitCode()
		}
		return false, p.failed(err)
	}
}

// failed writes an error in jq's words, which are others than the library's.
func (p *jqPrinter) failed(err error) int {
	var parse *parseError
	if errors.As(err, &parse) {
		return p.fail(5, "%s", parse)
	}
	text := strings.TrimPrefix(err.Error(), "error: ")
	if kind, is := strings.CutPrefix(text, "cannot iterate over: "); is {
		if text = "Cannot iterate over " + kind; kind == "null" {
			text += " (null)"
		}
	}
	return p.fail(5, "error (at <stdin>:0): %s", text)
}

func (p *jqPrinter) print(value any) {
	p.last, p.hasOutput = value, true
	text, isText := value.(string)
	if !isText || !p.command.has("r") && !p.command.has("j") {
		var out bytes.Buffer
		writer := jsonWriter{
			&out, p.orders, p.command.indent, p.command.has("S"), p.command.has("a"),
		}
		writer.write(value, "")
		text = out.String()
	}
	p.out.WriteString(text)
	if !p.command.has("j") {
		p.out.WriteByte('\n')
	}
}

// jsonWriter writes a value as jq does, with the keys in their order.
type jsonWriter struct {
	*bytes.Buffer
	orders            *keyOrders
	indent            string
	isSorted, isASCII bool
}

func (w jsonWriter) write(value any, margin string) {
	inner, colon := margin+w.indent, ":"
	newLine := func(margin string) {
		if w.indent != "" {
			w.WriteString("\n" + margin)
		}
	}
	if w.indent != "" {
		colon = ": "
	}
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			w.WriteString("{}")
			return
		}
		keys := w.orders.keysOf(value)
		if w.isSorted {
			slices.Sort(keys)
		}
		w.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				w.WriteByte(',')
			}
			newLine(inner)
			w.writeScalar(key)
			w.WriteString(colon)
			w.write(value[key], inner)
		}
		newLine(margin)
		w.WriteByte('}')
	case []any:
		if len(value) == 0 {
			w.WriteString("[]")
			return
		}
		w.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				w.WriteByte(',')
			}
			newLine(inner)
			w.write(item, inner)
		}
		newLine(margin)
		w.WriteByte(']')
	default:
		w.writeScalar(value)
	}
}

func (w jsonWriter) writeScalar(value any) {
	text, err := gojq.Marshal(value)
	if err != nil {
		text = []byte("null")
	}
	if w.isASCII {
		quoted := strconv.QuoteToASCII(string(text))
		if !strings.Contains(quoted, `\u`) && !strings.Contains(quoted, `\U`) {
			w.Write(text)
			return
		}
		for _, letter := range string(text) {
			switch {
			case letter < 0x80:
				w.WriteRune(letter)
			case letter > 0xffff:
				letter -= 0x10000
				fmt.Fprintf(w, `\u%04x\u%04x`, 0xd800+letter>>10, 0xdc00+letter&0x3ff)
			default:
				fmt.Fprintf(w, `\u%04x`, letter)
			}
		}
		return
	}
	w.Write(text)
}
