package programs

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// conversion is one of a format: flags, width, precision and letter.
var conversion = regexp.MustCompile(`%%|%([-+ 0#']*)(\*|\d*)(\.(?:\*|\d*))?([a-zA-Z]?)`)

// widest is how many characters a width or a precision may ask for.
const widest = 1 << 20

// formatting is one use of printf: the words that are left, and what was wrong with others.
type formatting struct {
	words    []string
	problems []string
	out      strings.Builder
	// isEnd says that \c in a word ends the output, or that the format is wrong.
	isEnd bool
}

// formatWords returns what printf writes: the format is used until no word is left. It returns
// what is wrong with words, too, each of which counts as 0.
func formatWords(format string, words []string) (string, []string) {
	f := &formatting{words: words}
	for {
		before := len(f.words)
		f.once(format)
		if f.isEnd || len(f.words) == 0 || len(f.words) == before {
			return f.out.String(), f.problems
		}
	}
}

func (f *formatting) once(format string) {
	at := 0
	for _, match := range conversion.FindAllStringSubmatchIndex(format, -1) {
		f.literal(format[at:match[0]])
		at = match[1]
		if f.isEnd {
			return
		}
		text := format[match[0]:match[1]]
		if text == "%%" {
			f.out.WriteByte('%')
			continue
		}
		part := func(number int) string {
			if match[2*number] < 0 {
				return ""
			}
			return format[match[2*number]:match[2*number+1]]
		}
		f.convert(text, part(1), part(2), part(3), part(4))
		if f.isEnd {
			return
		}
	}
	f.literal(format[at:])
}

// literal writes a part of the format with its escapes.
func (f *formatting) literal(text string) {
	text, _, f.isEnd = cutEnd(text)
	f.out.WriteString(text)
}

// cutEnd expands escapes; \c ends the text, which it reports.
func cutEnd(text string) (expanded, rest string, isEnd bool) {
	before, rest, isEnd := strings.Cut(text, `\c`)
	expanded, _, _ = expandFormat(strings.ReplaceAll(before, "%", "%%"), nil)
	return expanded, rest, isEnd
}

// next returns the next word, and whether there is one.
func (f *formatting) next() (string, bool) {
	if len(f.words) == 0 {
		return "", false
	}
	word := f.words[0]
	f.words = f.words[1:]
	return word, true
}

func (f *formatting) convert(text, flags, width, precision, letter string) {
	flags = strings.ReplaceAll(flags, "'", "")
	if width == "*" {
		number := f.integer()
		if number < 0 {
			flags, number = flags+"-", -number
		}
		width = strconv.FormatInt(number, 10)
	}
	if precision == ".*" {
		if number := f.integer(); number >= 0 {
			precision = "." + strconv.FormatInt(number, 10)
		} else {
			precision = ""
		}
	}
	for _, size := range []string{width, strings.TrimPrefix(precision, ".")} {
		if number, err := strconv.Atoi(size); size != "" && (err != nil || number > widest) {
			f.fail("%s: too wide", text)
			f.isEnd = true
			return
		}
	}
	form := "%" + flags + width + precision
	switch letter {
	case "d", "i":
		f.print(form+"d", f.integer())
	case "u":
		f.print(form+"d", uint64(f.integer()))
	case "o", "x", "X":
		f.print(form+letter, uint64(f.integer()))
	case "e", "E", "f", "F", "g", "G", "a", "A":
		f.float(form, precision, letter)
	case "c":
		word, _ := f.next()
		_, size := utf8.DecodeRuneInString(word)
		f.print("%"+flags+width+"s", word[:size])
	case "s":
		word, _ := f.next()
		f.print(form+"s", word)
	case "q":
		word, _ := f.next()
		f.print(form+"s", escapeWord(word))
	case "b":
		word, _ := f.next()
		expanded, _, isEnd := cutEnd(word)
		f.print(form+"s", expanded)
		f.isEnd = isEnd
	case "":
		f.fail("`%s': missing format character", text)
		f.isEnd = true
	default:
		f.fail("`%s': invalid format character", letter)
		f.isEnd = true
	}
}

func (f *formatting) print(form string, value any) {
	form = strings.TrimPrefix(form, "%")
	// Go takes 0 for a flag of texts, too.
	if _, isText := value.(string); isText {
		form = strings.TrimLeft(form, "0+ #")
	}
	fmt.Fprintf(&f.out, "%"+form, value)
}

func (f *formatting) fail(format string, values ...any) {
	f.problems = append(f.problems, fmt.Sprintf(format, values...))
}

// integer returns the next word as a number: decimal, octal after 0, hexadecimal after 0x, or the
// number of a character after a quote.
func (f *formatting) integer() int64 {
	word, _ := f.next()
	if word == "" {
		return 0
	}
	if number, is := characterNumber(word); is {
		return number
	}
	text := strings.TrimLeft(word, " \t\n")
	number, err := strconv.ParseInt(text, 0, 64)
	if unsigned, other := strconv.ParseUint(text, 0, 64); err != nil && other == nil {
		return int64(unsigned)
	}
	if errors.Is(err, strconv.ErrRange) {
		f.fail("warning: %s: Numerical result out of range", word)
	} else if err != nil || strings.ContainsAny(text, "_oObB") && !isHexadecimal(text) {
		f.fail("%s: invalid number", word)
		number, _ = strconv.ParseInt(leadingInteger.FindString(text), 0, 64)
	}
	return number
}

var leadingInteger = regexp.MustCompile(`^[-+]?(?:0[xX][0-9a-fA-F]+|[0-9]+)`)

func isHexadecimal(text string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimLeft(text, "+-")), "0x") &&
		!strings.Contains(text, "_")
}

func characterNumber(word string) (int64, bool) {
	if word == "" || word[0] != '\'' && word[0] != '"' {
		return 0, false
	}
	character, _ := utf8.DecodeRuneInString(word[1:])
	if len(word) == 1 {
		character = 0
	}
	return int64(character), true
}

// float writes the next word as a number with a point, as C does.
func (f *formatting) float(form, precision, letter string) {
	word, isThere := f.next()
	// As long double has them.
	number := new(big.Float).SetPrec(64)
	if code, is := characterNumber(word); is {
		number.SetInt64(code)
	} else if isThere && word != "" {
		text := strings.ToLower(strings.TrimLeft(word, " \t\n"))
		switch strings.TrimLeft(text, "+-") {
		case "inf", "infinity", "nan":
			word := strings.TrimSuffix(strings.TrimLeft(text, "+"), "inity")
			f.print(strings.TrimSuffix(form, precision)+"s", word)
			return
		}
		if _, _, err := number.Parse(text, 0); err != nil {
			f.fail("%s: invalid number", word)
		}
	}
	switch letter {
	case "F":
		letter = "f"
	case "a", "A":
		letter = string("xX"[strings.Index("aA", letter)])
	case "g", "G":
		if precision == "" {
			form += ".6"
		}
	}
	f.print(form+letter, number)
}
