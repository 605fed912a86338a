package programs

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cat writes files one after the other.
func cat(r *run) int {
	o := r.options("n,number b,number-nonblank s,squeeze-blank u A,show-all E,show-ends T")
	if len(o.values) == 0 || len(o.values) == 1 && o.has("u") {
		return r.eachFile(o.operands, func(_ string, in io.Reader) error { return r.copy(in) })
	}
	number, wasBlank := 0, false
	return r.eachFile(o.operands, func(_ string, in io.Reader) error {
		return r.eachRaw(in, '\n', func(raw string) error {
			line, isWhole := strings.CutSuffix(raw, "\n")
			isBlank := line == ""
			if o.has("s") && isBlank && wasBlank {
				return nil
			}
			wasBlank = isBlank
			if o.has("b") && !isBlank || o.has("n") && !o.has("b") {
				number++
				r.printf("%6d\t", number)
			}
			if o.has("A") || o.has("T") {
				line = strings.ReplaceAll(line, "\t", "^I")
			}
			if isWhole && (o.has("A") || o.has("E")) {
				line += "$"
			}
			if isWhole {
				line += "\n"
			}
			r.printf("%s", line)
			return nil
		})
	})
}

// ranges are the numbers that a list like 1,3-5,7- names.
type ranges [][2]int

func parseRanges(list string) (ranges, bool) {
	var parsed ranges
	for _, text := range strings.Split(list, ",") {
		first, last, isRange := strings.Cut(text, "-")
		from, fromErr := strconv.Atoi(first)
		to, toErr := strconv.Atoi(last)
		switch {
		case !isRange:
			to = from
		case last == "":
			to, toErr = 1<<30, nil
		}
		if first == "" && isRange {
			from, fromErr = 1, nil
		}
		if fromErr != nil || isRange && toErr != nil || from < 1 || to < from {
			return nil, false
		}
		parsed = append(parsed, [2]int{from, to})
	}
	return parsed, true
}

func (l ranges) has(number int) bool {
	return slices.ContainsFunc(l, func(bounds [2]int) bool {
		return bounds[0] <= number && number <= bounds[1]
	})
}

// cut writes parts of lines.
func cut(r *run) int {
	o := r.options("b,bytes= c,characters= f,fields= d,delimiter= s,only-delimited n " +
		",complement ,output-delimiter=")
	list := o.last("f") + o.last("b") + o.last("c")
	if list == "" {
		r.misuse("you must specify a list of bytes, characters, or fields")
	}
	wanted, isList := parseRanges(list)
	if !isList {
		r.misuse("invalid field value ‘%s’", list)
	}
	delimiter := "\t"
	if o.has("d") {
		delimiter = o.last("d")
	}
	if utf8.RuneCountInString(delimiter) > 1 {
		r.misuse("the delimiter must be a single character")
	}
	joint := delimiter
	if o.has("f") && o.has("output-delimiter") {
		joint = o.last("output-delimiter")
	} else if !o.has("f") {
		delimiter, joint = "", ""
	}
	return r.eachFile(o.operands, func(_ string, in io.Reader) error {
		return r.eachLine(in, func(line string) error {
			if o.has("f") && !strings.Contains(line, delimiter) {
				if !o.has("s") {
					r.print(line)
				}
				return nil
			}
			var parts []string
			for i, text := range strings.Split(line, delimiter) {
				if wanted.has(i+1) != o.has("complement") {
					parts = append(parts, text)
				}
			}
			r.print(strings.Join(parts, joint))
			return nil
		})
	})
}

// uniq joins equal lines that follow one another.
func uniq(r *run) int {
	o := r.options("c,count d,repeated u,unique i,ignore-case f,skip-fields= s,skip-chars=")
	skippedFields, _ := strconv.Atoi(o.last("f"))
	skipped, _ := strconv.Atoi(o.last("s"))
	key := func(line string) string {
		for range skippedFields {
			line = strings.TrimLeft(line, " \t")
			line = line[len(line)-len(strings.TrimLeft(line, " \t")):]
			if end := strings.IndexAny(line, " \t"); end >= 0 {
				line = line[end:]
			} else {
				line = ""
			}
		}
		line = line[min(skipped, len(line)):]
		if o.has("i") {
			line = strings.ToLower(line)
		}
		return line
	}
	count, first := 0, ""
	show := func() {
		if count == 0 || o.has("d") && count == 1 || o.has("u") && count > 1 {
			return
		}
		if o.has("c") {
			r.printf("%7d ", count)
		}
		r.print(first)
	}
	names := o.operands[:min(1, len(o.operands))]
	code := r.eachFile(names, func(_ string, in io.Reader) error {
		return r.eachLine(in, func(line string) error {
			if count > 0 && key(line) == key(first) {
				count++
				return nil
			}
			show()
			count, first = 1, line
			return nil
		})
	})
	show()
	return code
}

// count returns how many lines, words, characters and bytes an input has, and the characters of
// its longest line. It keeps none of them: a file may be one line.
func (r *run) count(in io.Reader) (count [5]int, err error) {
	reader := bufio.NewReaderSize(in, 64<<10)
	inWord, width := false, 0
	for reader.Buffered() > 0 || r.ctx.Err() == nil {
		letter, size, err := reader.ReadRune()
		if err == io.EOF {
			return count, nil
		}
		if err != nil {
			return count, err
		}
		isSpace := unicode.IsSpace(letter)
		if !isSpace && !inWord {
			count[1]++
		}
		inWord = !isSpace
		count[2]++
		count[3] += size
		width++
		if letter == '\n' {
			count[0]++
			width = 0
		}
		count[4] = max(count[4], width)
	}
	return count, r.ctx.Err()
}

// wc counts lines, words and bytes.
func wc(r *run) int {
	o := r.options("l,lines w,words c,bytes m,chars L,max-line-length")
	if len(o.values) == 0 {
		o.values["l"], o.values["w"], o.values["c"] = []string{""}, []string{""}, []string{""}
	}
	type counts struct {
		values []int
		name   string
	}
	var rows []counts
	var total [5]int
	code := r.eachFile(o.operands, func(name string, in io.Reader) error {
		count, err := r.count(in)
		var values []int
		for i, letter := range []string{"l", "w", "m", "c", "L"} {
			if total[i] += count[i]; o.has(letter) {
				values = append(values, count[i])
			}
		}
		if len(o.operands) == 0 {
			name = ""
		}
		rows = append(rows, counts{values, name})
		return err
	})
	if len(o.operands) > 1 {
		var values []int
		for i, letter := range []string{"l", "w", "m", "c", "L"} {
			if o.has(letter) {
				values = append(values, total[i])
			}
		}
		rows = append(rows, counts{values, "total"})
	}
	width := 1
	if len(rows) > 1 || len(rows) == 1 && len(rows[0].values) > 1 {
		for _, value := range total {
			width = max(width, len(strconv.Itoa(value)))
		}
		// Of an input without a size, wc cannot know the width before it has read it.
		if len(o.operands) == 0 || slices.Contains(o.operands, "-") {
			width = max(width, 7)
		}
	}
	for _, row := range rows {
		var words []string
		for _, value := range row.values {
			words = append(words, fmt.Sprintf("%*d", width, value))
		}
		if row.name != "" {
			words = append(words, row.name)
		}
		r.print(strings.Join(words, " "))
	}
	return code
}

// seq writes numbers.
func seq(r *run) int {
	words, joint, isWide := r.Args[1:], "\n", false
	for len(words) > 0 {
		separator, isSeparator := strings.CutPrefix(words[0], "-s")
		if words[0] == "-w" {
			isWide = true
		} else if isSeparator && separator != "" {
			joint = separator
		} else if isSeparator && len(words) > 1 {
			joint, words = words[1], words[1:]
		} else {
			break
		}
		words = words[1:]
	}
	if len(words) == 0 {
		r.misuse("missing operand")
	}
	var numbers []float64
	decimals := 0
	for _, word := range words {
		number, err := strconv.ParseFloat(word, 64)
		if err != nil {
			r.misuse("invalid floating point argument: ‘%s’", word)
		}
		numbers = append(numbers, number)
		if _, digits, isDecimal := strings.Cut(word, "."); isDecimal {
			decimals = max(decimals, len(digits))
		}
	}
	first, step, last := 1.0, 1.0, numbers[len(numbers)-1]
	if len(numbers) > 1 {
		first = numbers[0]
	}
	if len(numbers) > 2 {
		step = numbers[1]
	}
	if step == 0 {
		r.misuse("invalid Zero increment value: ‘%s’", words[1])
	}
	width := 0
	if isWide {
		for _, number := range []float64{first, last} {
			width = max(width, len(fmt.Sprintf("%.*f", decimals, number)))
		}
	}
	for i := 0; r.ctx.Err() == nil; i++ {
		number := first + float64(i)*step
		if step > 0 && number > last+step/1e9 || step < 0 && number < last+step/1e9 {
			if i > 0 {
				r.print()
			}
			break
		}
		if i > 0 {
			r.printf("%s", joint)
		}
		r.printf("%0*.*f", width, decimals, number)
	}
	return 0
}

// yes writes a line until nobody reads it any more.
func yes(r *run) int {
	text := "y"
	if len(r.Args) > 1 {
		text = strings.Join(r.Args[1:], " ")
	}
	for r.ctx.Err() == nil {
		r.print(text)
	}
	return 1
}

// encode64 is base64.
func encode64(r *run) int {
	o := r.options("d,decode D w,wrap=")
	width := 76
	if o.has("w") {
		width, _ = strconv.Atoi(o.last("w"))
	}
	failed := false
	code := r.eachFile(o.operands, func(_ string, in io.Reader) error {
		bytes, err := io.ReadAll(in)
		if err != nil {
			return err
		}
		if o.has("d") || o.has("D") {
			text := strings.NewReplacer("\n", "", "\r", "").Replace(string(bytes))
			plain, err := base64.StdEncoding.DecodeString(text)
			failed = err != nil
			if failed {
				// The last group may lack its padding, as that of a token does.
				if rest, err := base64.RawStdEncoding.DecodeString(text); err == nil {
					plain = rest
				}
			}
			r.out.Write(plain)
			return nil
		}
		text := base64.StdEncoding.EncodeToString(bytes)
		if width == 0 {
			r.printf("%s", text)
			return nil
		}
		for len(text) > 0 {
			end := min(width, len(text))
			r.print(text[:end])
			text = text[end:]
		}
		return nil
	})
	if failed {
		return r.fail(1, "invalid input")
	}
	return code
}
