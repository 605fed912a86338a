package programs

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// messageWriter puts the shell's words in place of the interpreter's for a variable that is not
// set.
type messageWriter struct {
	io.Writer
	shell *shell
}

var unboundVariable = regexp.MustCompile(`^(\w+|[@*]): unbound variable\n$`)

func (w *messageWriter) Write(bytes []byte) (int, error) {
	match := unboundVariable.FindSubmatch(bytes)
	if match == nil {
		return w.Writer.Write(bytes)
	}
	name, s := string(match[1]), w.shell
	s.isUnbound.Store(true)
	if s.name != "bash" {
		fmt.Fprintf(w.Writer, "%s: %d: %s: parameter not set\n", s.name, s.line, name)
		return len(bytes), nil
	}
	if strings.Trim(name, "0123456789") == "" {
		name = "$" + name
	}
	fmt.Fprintf(w.Writer, "bash: line %d: %s: unbound variable\n", s.line, name)
	return len(bytes), nil
}

// unboundCode returns the exit code of a shell that such a variable has ended.
func (s *shell) unboundCode(code int) int {
	switch {
	case !s.isUnbound.Load() || code != 1:
		return code
	case s.name != "bash":
		return 2
	case s.text != "":
		return 127
	}
	return code
}

var (
	notClosed = regexp.MustCompile(
		"^reached .* without (?:closing quote|matching .* with) [`\"](.+)[`\"]$")
	wrongWord = regexp.MustCompile("^`(.+?)` (?:can only|is not a valid start|cannot form)|" +
		"encountered `(.+)`$")
)

// syntaxMessage returns bash's words for what the parser says of a script.
func (s *shell) syntaxMessage(err error) string {
	var parseError syntax.ParseError
	if s.name != "bash" || !errors.As(err, &parseError) {
		return err.Error()
	}
	place, line := "", int(parseError.Pos.Line())
	if s.text != "" {
		place = "-c: "
	}
	at := fmt.Sprintf("%sline %d: ", place, line)
	lines := strings.Split(strings.TrimSuffix(s.text, "\n"), "\n")
	switch {
	case notClosed.MatchString(parseError.Text):
		sign := notClosed.FindStringSubmatch(parseError.Text)[1]
		if sign != "}" || strings.Contains(parseError.Text, "${") {
			return fmt.Sprintf("%sunexpected EOF while looking for matching `%s'", at, sign)
		}
	case wrongWord.MatchString(parseError.Text):
		words := wrongWord.FindStringSubmatch(parseError.Text)
		word := words[1] + words[2]
		message := fmt.Sprintf("%ssyntax error near unexpected token `%s'", at, word)
		if s.text != "" && line <= len(lines) {
			message += fmt.Sprintf("\nbash: %s`%s'", at, lines[line-1])
		}
		return message
	}
	if parseError.Incomplete && s.text != "" {
		return fmt.Sprintf("%sline %d: syntax error: unexpected end of file", place, len(lines)+1)
	}
	return fmt.Sprintf("%ssyntax error: %s", at, parseError.Text)
}
