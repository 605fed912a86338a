package programs

import (
	"slices"
	"strconv"
	"strings"
)

var classes = map[string]string{
	"upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "lower": "abcdefghijklmnopqrstuvwxyz",
	"digit": "0123456789", "space": "\t\n\v\f\r ", "blank": "\t ",
	"punct": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "xdigit": "0123456789ABCDEFabcdef",
}

func init() {
	classes["alpha"] = classes["upper"] + classes["lower"]
	classes["alnum"] = classes["digit"] + classes["alpha"]
	for letter := range 32 {
		classes["cntrl"] += string(rune(letter))
	}
	classes["graph"] = classes["alnum"] + classes["punct"]
	classes["print"] = " " + classes["graph"]
}

// unescaped returns a text with the characters that \n, \t, \\ and \NNN stand for.
func unescaped(text string) string {
	letters := map[byte]byte{
		'a': '\a', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\',
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		end := i
		for end < len(text) && end < i+3 && text[end] >= '0' && text[end] <= '7' {
			end++
		}
		if end > i {
			code, _ := strconv.ParseUint(text[i:end], 8, 16)
			out.WriteByte(byte(code))
			i = end - 1
		} else if letter, isKnown := letters[text[i]]; isKnown {
			out.WriteByte(letter)
		} else {
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// characterSet returns the characters that an operand of tr stands for, in its order.
func characterSet(text string) []rune {
	var set []rune
	runes := []rune(unescaped(text))
	for i := 0; i < len(runes); i++ {
		rest := string(runes[i:])
		if strings.HasPrefix(rest, "[:") {
			if name, _, isClass := strings.Cut(rest[2:], ":]"); isClass && classes[name] != "" {
				set = append(set, []rune(classes[name])...)
				i += len(name) + 3
				continue
			}
		}
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i] <= runes[i+2] {
			for letter := runes[i]; letter <= runes[i+2]; letter++ {
				set = append(set, letter)
			}
			i += 2
			continue
		}
		set = append(set, runes[i])
	}
	return set
}

// tr replaces, removes or squeezes characters.
func tr(r *run) int {
	o := r.options("d,delete s,squeeze-repeats c,complement C t,truncate-set1")
	switch {
	case len(o.operands) == 0:
		r.misuse("missing operand")
	case len(o.operands) == 1 && !o.has("d") && !o.has("s"):
		r.misuse("missing operand after '%s'", o.operands[0])
	}
	from, to := characterSet(o.operands[0]), []rune(nil)
	if len(o.operands) > 1 {
		to = characterSet(o.operands[1])
	}
	isOther := o.has("c") || o.has("C")
	squeezed := from
	if len(to) > 0 {
		squeezed = to
	}
	last := rune(-1)
	write := func(letter rune) {
		isSqueezed := slices.Contains(squeezed, letter)
		if isOther && len(to) == 0 {
			isSqueezed = !isSqueezed
		}
		if o.has("s") && letter == last && isSqueezed {
			return
		}
		last = letter
		r.out.WriteRune(letter)
	}
	translate := func(letter rune) {
		at := slices.Index(from, letter)
		isIn := at >= 0 != isOther
		switch {
		case !isIn:
			write(letter)
		case o.has("d"):
		case len(to) == 0:
			write(letter)
		case isOther:
			write(to[len(to)-1])
		default:
			write(to[min(at, len(to)-1)])
		}
	}
	err := r.eachChunk(r.in, func(text string) {
		for _, letter := range text {
			translate(letter)
		}
	})
	if err != nil && r.ctx.Err() == nil {
		return r.fail(1, "read error: %s", reason(err))
	}
	return 0
}
