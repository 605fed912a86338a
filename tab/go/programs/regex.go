package programs

import (
	"regexp"
	"strings"
)

// compileRegex compiles a regular expression of grep and sed: an extended one of POSIX, or a
// basic one, in which \( \) \{ \} \| \+ \? are signs and those without a backslash letters.
func compileRegex(text string, isExtended, ignoresCase bool) (*regexp.Regexp, error) {
	pattern := translateRegex(text, isExtended)
	if ignoresCase {
		pattern = "(?i)" + pattern
	}
	compiled, err := regexp.Compile(pattern)
	if err == nil {
		// As POSIX says, of several matches at a place the longest.
		compiled.Longest()
	}
	return compiled, err
}

// translateRegex returns a regular expression of POSIX in Go's syntax.
func translateRegex(text string, isExtended bool) string {
	var out strings.Builder
	atStart := true
	for i := 0; i < len(text); i++ {
		letter := text[i]
		wasStart := atStart
		atStart = false
		switch {
		case letter == '[':
			end := bracketEnd(text, i)
			out.WriteString(translateBracket(text[i:end]))
			i = end - 1
		case letter == '\\' && i+1 < len(text):
			i++
			next := text[i]
			switch {
			case strings.IndexByte("(){}|+?", next) >= 0:
				if isExtended {
					out.WriteByte('\\')
				}
				out.WriteByte(next)
				atStart = !isExtended && (next == '(' || next == '|')
			case next == '<' || next == '>':
				out.WriteString(`\b`)
			case strings.IndexByte("wWsSbB", next) >= 0:
				out.WriteString(`\` + string(next))
			case next == 'n':
				out.WriteString(`\n`)
			case next == 't':
				out.WriteString(`\t`)
			case next == '/':
				out.WriteByte('/')
			default:
				out.WriteString(regexp.QuoteMeta(string(next)))
			}
		case strings.IndexByte("(){}|+?", letter) >= 0:
			if !isExtended || letter == '{' && !isRepeat(text[i:]) {
				out.WriteByte('\\')
			}
			out.WriteByte(letter)
			atStart = isExtended && (letter == '(' || letter == '|')
		case letter == '*' && wasStart:
			out.WriteString(`\*`)
		case letter == '^' && !isExtended && !wasStart:
			out.WriteString(`\^`)
		case letter == '^':
			out.WriteByte('^')
			atStart = true
		case letter == '$' && !isExtended && i+1 < len(text) &&
			!strings.HasPrefix(text[i+1:], `\)`) && !strings.HasPrefix(text[i+1:], `\|`):
			out.WriteString(`\$`)
		default:
			out.WriteByte(letter)
		}
	}
	return out.String()
}

var repeat = regexp.MustCompile(`^\{\d+(,\d*)?\}`)

func isRepeat(text string) bool { return repeat.MatchString(text) }

// bracketEnd returns where the set that begins at i ends.
func bracketEnd(text string, i int) int {
	i++
	if i < len(text) && text[i] == '^' {
		i++
	}
	if i < len(text) && text[i] == ']' {
		i++
	}
	for i < len(text) && text[i] != ']' {
		if strings.HasPrefix(text[i:], "[:") {
			if end := strings.Index(text[i:], ":]"); end > 0 {
				i += end + 1
			}
		}
		i++
	}
	return min(i+1, len(text))
}

// translateBracket returns a set in Go's syntax, in which a backslash is a sign.
func translateBracket(set string) string {
	body, sign := set[1:], "["
	if rest, isOther := strings.CutPrefix(body, "^"); isOther {
		body, sign = rest, "[^"
	}
	if rest, hasClose := strings.CutPrefix(body, "]"); hasClose {
		body, sign = rest, sign+`\]`
	}
	var out strings.Builder
	for i := 0; i < len(body); i++ {
		switch {
		case strings.HasPrefix(body[i:], "[:"):
			if end := strings.Index(body[i:], ":]"); end > 0 {
				out.WriteString(body[i : i+end+2])
				i += end + 1
				continue
			}
			out.WriteString(`\[`)
		case body[i] == '[':
			out.WriteString(`\[`)
		case body[i] == '\\' && i+1 < len(body) && strings.IndexByte(`nt]\`, body[i+1]) >= 0:
			out.WriteString(body[i : i+2])
			i++
		case body[i] == '\\':
			out.WriteString(`\\`)
		default:
			out.WriteByte(body[i])
		}
	}
	return sign + out.String()
}
