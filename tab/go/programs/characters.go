package programs

import (
	"bytes"
	"io"
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

// unescape returns a text with the characters that \n, \t, \\ and \NNN stand for.
func unescape(text string) string {
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

// characterSet returns the bytes that an operand of tr stands for, in its order.
func characterSet(text string) []byte {
	var set []byte
	text = unescape(text)
	for i := 0; i < len(text); i++ {
		if rest, isClass := strings.CutPrefix(text[i:], "[:"); isClass {
			if name, _, isWhole := strings.Cut(rest, ":]"); isWhole && classes[name] != "" {
				set = append(set, classes[name]...)
				i += len(name) + 3
				continue
			}
		}
		if i+2 < len(text) && text[i+1] == '-' && text[i] <= text[i+2] {
			for letter := int(text[i]); letter <= int(text[i+2]); letter++ {
				set = append(set, byte(letter))
			}
			i += 2
			continue
		}
		set = append(set, text[i])
	}
	return set
}

// tr replaces, removes or squeezes bytes.
func tr(r *run) int {
	o := r.options("+d,delete s,squeeze-repeats c,complement C")
	switch {
	case len(o.operands) == 0:
		r.misuse("missing operand")
	case len(o.operands) == 1 && !o.has("d") && !o.has("s"):
		r.misuse("missing operand after ‘%s’", o.operands[0])
	}
	from, to := characterSet(o.operands[0]), []byte(nil)
	if len(o.operands) > 1 {
		to = characterSet(o.operands[1])
	}
	if o.has("c") || o.has("C") {
		var others []byte
		for letter := range 256 {
			if !bytes.Contains(from, []byte{byte(letter)}) {
				others = append(others, byte(letter))
			}
		}
		from = others
	}
	squeezed := from
	if len(to) > 0 {
		squeezed = to
	}
	// The table has what each byte becomes: another one, or -1.
	var table [256]int
	for letter := range table {
		table[letter] = letter
	}
	for at, letter := range slices.Backward(from) {
		if o.has("d") {
			table[letter] = -1
		} else if len(to) > 0 {
			table[letter] = int(to[min(at, len(to)-1)])
		}
	}
	last := -1
	chunk := make([]byte, 4096)
	for r.ctx.Err() == nil {
		r.out.Flush()
		count, err := r.in.Read(chunk)
		for _, letter := range chunk[:count] {
			code := table[letter]
			isRepeated := o.has("s") && code == last && bytes.Contains(squeezed, []byte{byte(code)})
			if code >= 0 && !isRepeated {
				r.out.WriteByte(byte(code))
				last = code
			}
		}
		if err == io.EOF {
			return 0
		}
		if err != nil {
			return r.fail(1, "read error: %s", reason(err))
		}
	}
	return 1
}
