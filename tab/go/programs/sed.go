package programs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// sedAddress says to which lines a command applies: a number, the last one, or a pattern.
type sedAddress struct {
	number  int
	isLast  bool
	pattern *regexp.Regexp
	// count is that of addr,+N.
	count int
}

// sedCommand is one command of a script.
type sedCommand struct {
	addresses []sedAddress
	isOther   bool
	letter    byte
	pattern   *regexp.Regexp
	text      string
	// isGlobal, isPrinted and number are the flags of s.
	isGlobal, isPrinted bool
	number              int
	block               []*sedCommand
	// isIn and end say that a range has begun, and with which line it ends.
	isIn bool
	end  int
}

// sedParser reads a script.
type sedParser struct {
	text       string
	isExtended bool
}

func (p *sedParser) skip(letters string) { p.text = strings.TrimLeft(p.text, letters) }

// commands reads commands up to the end, or to the brace that ends a block.
func (p *sedParser) commands(isBlock bool) ([]*sedCommand, error) {
	var commands []*sedCommand
	for {
		p.skip(" \t\n;")
		switch {
		case p.text == "" && isBlock:
			return nil, errors.New("unmatched `{'")
		case p.text == "":
			return commands, nil
		case p.text[0] == '}' && isBlock:
			p.text = p.text[1:]
			return commands, nil
		case p.text[0] == '#':
			_, p.text, _ = strings.Cut(p.text, "\n")
			continue
		}
		command, err := p.command()
		if err != nil {
			return nil, err
		}
		commands = append(commands, command)
	}
}

func (p *sedParser) command() (*sedCommand, error) {
	command := &sedCommand{}
	for len(command.addresses) < 2 {
		address, found, err := p.address(len(command.addresses) > 0)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		command.addresses = append(command.addresses, address)
		p.skip(" \t")
		if !strings.HasPrefix(p.text, ",") {
			break
		}
		p.text = p.text[1:]
		p.skip(" \t")
	}
	if len(command.addresses) > 0 && command.addresses[0] == (sedAddress{}) {
		if len(command.addresses) < 2 || command.addresses[1].pattern == nil {
			return nil, errors.New("invalid usage of line address 0")
		}
		// The range has begun before the first line, which can end it.
		command.isIn = true
	}
	p.skip(" \t")
	if strings.HasPrefix(p.text, "!") {
		command.isOther, p.text = true, p.text[1:]
		p.skip(" \t")
	}
	if p.text == "" {
		return nil, errors.New("missing command")
	}
	command.letter, p.text = p.text[0], p.text[1:]
	var err error
	switch command.letter {
	case '{':
		command.block, err = p.commands(true)
		return command, err
	case 's':
		return command, p.substitution(command)
	case 'y':
		return command, p.transliteration(command)
	case 'a', 'i', 'c':
		p.skip(" \t")
		p.text = strings.TrimPrefix(strings.TrimPrefix(p.text, `\`), "\n")
		command.text, p.text, _ = strings.Cut(p.text, "\n")
		return command, nil
	case 'q':
		p.skip(" \t")
		digits := len(p.text) - len(strings.TrimLeft(p.text, "0123456789"))
		command.number, _ = strconv.Atoi(p.text[:digits])
		p.text = p.text[digits:]
	case 'p', 'd', '=', 'n', 'N', 'D', 'P', 'g', 'G', 'h', 'H', 'x':
	default:
		return nil, fmt.Errorf("unknown command: `%c'", command.letter)
	}
	p.skip(" \t")
	if p.text != "" && !strings.ContainsRune(";\n}#", rune(p.text[0])) {
		return nil, errors.New("extra characters after command")
	}
	return command, nil
}

func (p *sedParser) address(isSecond bool) (sedAddress, bool, error) {
	digits := len(p.text) - len(strings.TrimLeft(p.text, "0123456789"))
	switch {
	case digits > 0:
		number, _ := strconv.Atoi(p.text[:digits])
		p.text = p.text[digits:]
		return sedAddress{number: number}, true, nil
	case strings.HasPrefix(p.text, "$"):
		p.text = p.text[1:]
		return sedAddress{isLast: true}, true, nil
	case isSecond && strings.HasPrefix(p.text, "+"):
		rest := strings.TrimLeft(p.text[1:], "0123456789")
		count, err := strconv.Atoi(p.text[1 : len(p.text)-len(rest)])
		p.text = rest
		return sedAddress{count: count}, true, err
	case strings.HasPrefix(p.text, "/"), strings.HasPrefix(p.text, `\`) && len(p.text) > 1:
		if p.text[0] == '\\' {
			p.text = p.text[1:]
		}
		text, isWhole := p.delimited()
		if !isWhole {
			return sedAddress{}, false, errors.New("unterminated address regex")
		}
		ignoresCase := strings.HasPrefix(p.text, "I")
		p.text = strings.TrimPrefix(p.text, "I")
		pattern, err := compileRegex(text, p.isExtended, ignoresCase)
		return sedAddress{pattern: pattern}, true, err
	}
	return sedAddress{}, false, nil
}

// delimited reads up to the next delimiter, which is in front, and leaves that in front if
// another part follows.
func (p *sedParser) delimited() (string, bool) {
	delimiter := p.text[0]
	var out strings.Builder
	inSet := false
	for i := 1; i < len(p.text); i++ {
		switch letter := p.text[i]; {
		case letter == '\\' && i+1 < len(p.text):
			i++
			if p.text[i] != delimiter {
				out.WriteByte('\\')
			}
			out.WriteByte(p.text[i])
		case letter == delimiter && !inSet:
			p.text = p.text[i+1:]
			return out.String(), true
		default:
			if letter == '[' {
				inSet = strings.IndexByte(p.text[i:], ']') > 0
			} else if letter == ']' {
				inSet = false
			}
			out.WriteByte(letter)
		}
	}
	return "", false
}

// parts reads the two parts of s and y.
func (p *sedParser) parts(letter byte) (first, second string, err error) {
	if p.text == "" {
		return "", "", fmt.Errorf("unterminated `%c' command", letter)
	}
	delimiter := p.text[:1]
	first, isWhole := p.delimited()
	if isWhole {
		p.text = delimiter + p.text
		second, isWhole = p.delimited()
	}
	if !isWhole {
		return "", "", fmt.Errorf("unterminated `%c' command", letter)
	}
	return first, second, nil
}

func (p *sedParser) substitution(command *sedCommand) error {
	first, second, err := p.parts('s')
	if err != nil {
		return err
	}
	ignoresCase := false
	for p.text != "" {
		letter := p.text[0]
		switch {
		case letter == 'g':
			command.isGlobal = true
		case letter == 'p':
			command.isPrinted = true
		case letter == 'i' || letter == 'I':
			ignoresCase = true
		case letter >= '1' && letter <= '9':
			command.number = int(letter - '0')
		case strings.IndexByte(" \t;\n}#", letter) >= 0:
			letter = 0
		default:
			return errors.New("unknown option to `s'")
		}
		if letter == 0 {
			break
		}
		p.text = p.text[1:]
	}
	command.text = second
	if first != "" {
		command.pattern, err = compileRegex(first, p.isExtended, ignoresCase)
	}
	return err
}

func (p *sedParser) transliteration(command *sedCommand) error {
	first, second, err := p.parts('y')
	if err != nil {
		return err
	}
	from, to := []rune(unescape(first)), []rune(unescape(second))
	if len(from) != len(to) {
		return errors.New("strings for `y' command are different lengths")
	}
	command.text = string(from) + string(to)
	return nil
}

// sedState is sed while it runs.
type sedState struct {
	*run
	isSilent     bool
	space, held  string
	number       int
	lines        []string
	isLast       func() bool
	next         func() (string, bool)
	last         *regexp.Regexp
	appended     []string
	hasEnded     bool
	exitCode     int
	isNewSkipped bool
	// lacksEnd reports whether the input ends without the end of its last line; then the output
	// does, too, and isPending says that another line would have to end it.
	lacksEnd  func() bool
	isPending bool
}

// print writes a text, after the end that the line before may lack.
func (s *sedState) print(words ...any) {
	if s.isPending {
		s.out.WriteByte('\n')
	}
	s.isPending = false
	fmt.Fprintln(s.out, words...)
}

// printLine writes a line of the input, without its end if the input lacks that.
func (s *sedState) printLine(line string) {
	if !s.isLast() || !s.lacksEnd() {
		s.print(line)
		return
	}
	if s.isPending {
		s.out.WriteByte('\n')
	}
	s.out.WriteString(line)
	s.isPending = true
}

func (s *sedState) matches(address sedAddress) bool {
	switch {
	case address.pattern != nil:
		s.last = address.pattern
		return address.pattern.MatchString(s.space)
	case address.isLast:
		return s.isLast()
	}
	return s.number == address.number
}

// applies reports whether a command applies to the line.
func (s *sedState) applies(command *sedCommand) bool {
	applies := true
	switch len(command.addresses) {
	case 1:
		applies = s.matches(command.addresses[0])
	case 2:
		first, second := command.addresses[0], command.addresses[1]
		switch {
		case !command.isIn:
			if applies = s.matches(first); !applies {
				break
			}
			command.end = s.number
			if second.count > 0 {
				command.end += second.count
			} else if second.number > 0 {
				command.end = second.number
			} else if second.pattern != nil || second.isLast {
				command.end = -1
			}
			command.isIn = command.end < 0 || command.end > s.number
		case command.end > 0:
			command.isIn = s.number < command.end
			applies = s.number <= command.end
		default:
			command.isIn = !s.matches(second)
		}
	}
	return applies != command.isOther
}

// errNextCycle goes on with the next line.
var errNextCycle = errors.New("next cycle")

// errSkipped does so without printing the line.
var errSkipped = errors.New("skipped")

func (s *sedState) runAll(commands []*sedCommand) error {
	for _, command := range commands {
		if !s.applies(command) {
			continue
		}
		if err := s.runOne(command); err != nil {
			return err
		}
	}
	return nil
}

func (s *sedState) runOne(command *sedCommand) error {
	switch command.letter {
	case '{':
		return s.runAll(command.block)
	case 's':
		if s.substitute(command) && command.isPrinted {
			s.printLine(s.space)
		}
	case 'y':
		letters := []rune(command.text)
		half := len(letters) / 2
		s.space = strings.Map(func(letter rune) rune {
			for i := range half {
				if letters[i] == letter {
					return letters[half+i]
				}
			}
			return letter
		}, s.space)
	case 'p':
		s.printLine(s.space)
	case 'P':
		first, _, _ := strings.Cut(s.space, "\n")
		s.printLine(first)
	case 'd':
		return errSkipped
	case 'D':
		_, rest, isMore := strings.Cut(s.space, "\n")
		if !isMore {
			return errSkipped
		}
		s.space, s.isNewSkipped = rest, true
		return errSkipped
	case '=':
		s.print(s.number)
	case 'a':
		s.appended = append(s.appended, command.text)
	case 'i':
		s.print(command.text)
	case 'c':
		if len(command.addresses) < 2 || !command.isIn {
			s.print(command.text)
		}
		return errSkipped
	case 'n':
		if !s.isSilent {
			s.printLine(s.space)
		}
		line, more := s.next()
		if !more {
			s.hasEnded = true
			return errSkipped
		}
		s.space = line
	case 'N':
		line, more := s.next()
		if !more {
			s.hasEnded = true
			return errNextCycle
		}
		s.space += "\n" + line
	case 'g':
		s.space = s.held
	case 'G':
		s.space += "\n" + s.held
	case 'h':
		s.held = s.space
	case 'H':
		s.held += "\n" + s.space
	case 'x':
		s.space, s.held = s.held, s.space
	case 'q':
		s.hasEnded, s.exitCode = true, command.number
		return errNextCycle
	}
	return nil
}

// substitute is s; it reports whether it has replaced something.
func (s *sedState) substitute(command *sedCommand) bool {
	pattern := command.pattern
	if pattern == nil {
		pattern = s.last
	}
	if pattern == nil {
		return false
	}
	s.last = pattern
	var out strings.Builder
	end, count, hasReplaced := 0, 0, false
	for _, groups := range pattern.FindAllStringSubmatchIndex(s.space, -1) {
		count++
		if count < command.number || !command.isGlobal && count > max(1, command.number) {
			continue
		}
		out.WriteString(s.space[end:groups[0]])
		out.WriteString(replacement(command.text, s.space, groups))
		end, hasReplaced = groups[1], true
	}
	s.space = out.String() + s.space[end:]
	return hasReplaced
}

// replacement returns the text that takes the place of a match: & and \1 are parts of it, \U,
// \L and \E change the case.
func replacement(text, line string, groups []int) string {
	var out strings.Builder
	change := func(part string) string { return part }
	group := func(number int) {
		if 2*number+1 < len(groups) && groups[2*number] >= 0 {
			out.WriteString(change(line[groups[2*number]:groups[2*number+1]]))
		}
	}
	for i := 0; i < len(text); i++ {
		switch letter := text[i]; {
		case letter == '&':
			group(0)
		case letter == '\\' && i+1 < len(text):
			i++
			switch next := text[i]; {
			case next >= '0' && next <= '9':
				group(int(next - '0'))
			case next == 'n':
				out.WriteByte('\n')
			case next == 't':
				out.WriteByte('\t')
			case next == 'U':
				change = strings.ToUpper
			case next == 'L':
				change = strings.ToLower
			case next == 'E':
				change = func(part string) string { return part }
			default:
				out.WriteByte(next)
			}
		default:
			out.WriteString(change(text[i : i+1]))
		}
	}
	return out.String()
}

// sed edits lines.
func sed(r *run) int {
	o := r.options("n,quiet ,silent E,regexp-extended r e,expression= f,file= i,in-place u")
	texts := o.values["e"]
	for _, name := range o.values["f"] {
		text, err := r.ReadFile(name)
		if err != nil {
			return r.fail(1, "couldn't open file %s: %s", name, reason(err))
		}
		texts = append(texts, string(text))
	}
	if len(texts) == 0 {
		if len(o.operands) == 0 {
			r.misuse("no script specified")
		}
		texts, o.operands = o.operands[:1], o.operands[1:]
	}
	parser := &sedParser{strings.Join(texts, "\n"), o.has("E") || o.has("r")}
	commands, err := parser.commands(false)
	if err != nil {
		at := len(strings.Join(texts, "\n")) - len(parser.text)
		return r.fail(1, "-e expression #1, char %d: %s", at, err)
	}
	isSilent := o.has("n") || o.has("silent")
	if !o.has("i") {
		return r.sedFiles(commands, isSilent, o.operands)
	}
	code := 0
	for _, name := range o.operands {
		var edited strings.Builder
		out := r.out
		r.out = newWriter(&edited)
		code = max(code, r.sedFiles(commands, isSilent, []string{name}))
		r.out.Flush()
		r.out = out
		if file, err := r.Create(name); err != nil {
			code = r.fail(4, "couldn't open temporary file %s: %s", name, reason(err))
		} else {
			io.WriteString(file, edited.String())
			file.Close()
		}
	}
	return code
}

// sedFiles edits the lines of all files as one input.
func (r *run) sedFiles(commands []*sedCommand, isSilent bool, names []string) int {
	s := &sedState{run: r, isSilent: isSilent}
	if len(names) == 0 {
		names = []string{"-"}
	}
	// One line more than the current one is read, to know whether that is the last.
	source := r.newLines(names)
	following, hasFollowing := source.next()
	s.isLast = func() bool { return !hasFollowing }
	s.lacksEnd = func() bool { return source.lacksEnd }
	s.next = func() (string, bool) {
		line, more := following, hasFollowing
		if more {
			s.number++
			following, hasFollowing = source.next()
		}
		return line, more
	}
	defer source.close()
	for !s.hasEnded && r.ctx.Err() == nil {
		if s.isNewSkipped {
			s.isNewSkipped = false
		} else {
			line, more := s.next()
			if !more {
				break
			}
			s.space = line
		}
		if err := s.runAll(commands); err != errSkipped && !s.isSilent {
			s.printLine(s.space)
		}
		for _, text := range s.appended {
			s.print(text)
		}
		s.appended = nil
	}
	return max(s.exitCode, source.code)
}

// lineSource returns the lines of several files one after the other.
type lineSource struct {
	*run
	names    []string
	file     io.ReadCloser
	reader   *bufio.Reader
	lacksEnd bool
	code     int
}

func (r *run) newLines(names []string) *lineSource { return &lineSource{run: r, names: names} }

// openNext opens the next file; it returns false after the last.
func (s *lineSource) openNext() bool {
	for len(s.names) > 0 {
		name := s.names[0]
		s.names = s.names[1:]
		file, err := s.open(name)
		if err != nil {
			s.code = s.fail(2, "can't read %s: %s", name, reason(err))
			continue
		}
		if info, err := s.Stat(name); name != "-" && err == nil && info.IsDir() {
			s.code = s.fail(2, "couldn't edit %s: not a regular file", name)
			file.Close()
			continue
		}
		s.file, s.reader = file, bufio.NewReader(file)
		return true
	}
	return false
}

// next returns the next line, without its end.
func (s *lineSource) next() (string, bool) {
	for s.ctx.Err() == nil && (s.reader != nil || s.openNext()) {
		s.out.Flush()
		line, err := s.reader.ReadString('\n')
		if line != "" {
			text, isWhole := strings.CutSuffix(line, "\n")
			s.lacksEnd = !isWhole
			return text, true
		}
		if err != nil {
			s.close()
		}
	}
	return "", false
}

func (s *lineSource) close() {
	if s.file != nil {
		s.file.Close()
	}
	s.file, s.reader = nil, nil
}
