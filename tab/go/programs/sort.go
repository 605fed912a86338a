package programs

import (
	"cmp"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sortKey is one -k of sort: fields from and to, and how they are compared.
type sortKey struct {
	from, fromChar, to, toChar int
	letters                    string
}

var sortKeyPattern = regexp.MustCompile(
	`^(\d+)(?:\.(\d+))?([bdfghinrV]*)(?:,(\d+)(?:\.(\d+))?([bdfghinrV]*))?$`)

func parseSortKey(text string) (sortKey, bool) {
	groups := sortKeyPattern.FindStringSubmatch(text)
	if groups == nil {
		return sortKey{}, false
	}
	number := func(i int) int {
		value, _ := strconv.Atoi(groups[i])
		return value
	}
	key := sortKey{number(1), number(2), number(4), number(5), groups[3] + groups[6]}
	return key, key.from > 0
}

// of returns the part of a line that the key names.
func (k sortKey) of(line, separator string) string {
	var fields []string
	if separator != "" {
		fields = strings.Split(line, separator)
	} else {
		// Blanks in front of a field belong to it.
		for rest := line; rest != ""; {
			start := len(rest) - len(strings.TrimLeft(rest, " \t"))
			end := strings.IndexAny(rest[start:], " \t")
			if end < 0 {
				end = len(rest) - start
			}
			fields = append(fields, rest[:start+end])
			rest = rest[start+end:]
		}
	}
	if k.from > len(fields) {
		return ""
	}
	last := len(fields)
	if k.to > 0 {
		last = min(k.to, last)
	}
	if last < k.from {
		return ""
	}
	part := strings.Join(fields[k.from-1:last], separator)
	if k.fromChar > 1 {
		part = part[min(k.fromChar-1, len(part)):]
	}
	return part
}

var numberPattern = regexp.MustCompile(`^\s*(-?\d*(?:\.\d+)?)([KMGTPE]?)`)

// leadingNumber returns the number in front of a text, 0 without one; with units, 2K is 2048.
func leadingNumber(text string, hasUnits bool) float64 {
	groups := numberPattern.FindStringSubmatch(text)
	number, _ := strconv.ParseFloat(groups[1], 64)
	if hasUnits && groups[2] != "" {
		for range strings.Index("KMGTPE", groups[2]) + 1 {
			number *= 1024
		}
	}
	return number
}

// compareVersions compares texts with their numbers as numbers.
func compareVersions(a, b string) int {
	digits := regexp.MustCompile(`\d+|\D+`)
	left, right := digits.FindAllString(a, -1), digits.FindAllString(b, -1)
	for i := range min(len(left), len(right)) {
		first, firstErr := strconv.Atoi(left[i])
		second, secondErr := strconv.Atoi(right[i])
		order := cmp.Compare(left[i], right[i])
		if firstErr == nil && secondErr == nil {
			order = cmp.Compare(first, second)
		}
		if order != 0 {
			return order
		}
	}
	return cmp.Compare(len(left), len(right))
}

// compareAs compares two keys by letters of options, which do not include r.
func compareAs(letters, a, b string) int {
	has := func(letter string) bool { return strings.Contains(letters, letter) }
	switch {
	case has("n"), has("g"), has("h"):
		return cmp.Compare(leadingNumber(a, has("h")), leadingNumber(b, has("h")))
	case has("V"):
		return compareVersions(a, b)
	}
	if has("b") {
		a, b = strings.TrimLeft(a, " \t"), strings.TrimLeft(b, " \t")
	}
	if has("f") {
		a, b = strings.ToUpper(a), strings.ToUpper(b)
	}
	return cmp.Compare(a, b)
}

// sortLines is sort.
func sortLines(r *run) int {
	o := r.options("b,ignore-leading-blanks f,ignore-case g,general-numeric-sort " +
		"h,human-numeric-sort n,numeric-sort r,reverse V,version-sort u,unique s,stable " +
		"k,key= t,field-separator= o,output= c,check")
	var keys []sortKey
	for _, text := range o.values["k"] {
		key, isKey := parseSortKey(text)
		if !isKey {
			return r.fail(2, "invalid number at field start: invalid count at start of '%s'", text)
		}
		keys = append(keys, key)
	}
	letters := ""
	for _, letter := range []string{"b", "f", "g", "h", "n", "V"} {
		if o.has(letter) {
			letters += letter
		}
	}
	separator := o.last("t")
	compare := func(a, b string) int {
		for _, key := range keys {
			how := key.letters
			isReversed := strings.Contains(how, "r")
			if how == "" {
				how, isReversed = letters, o.has("r")
			}
			order := compareAs(how, key.of(a, separator), key.of(b, separator))
			if isReversed {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		if len(keys) > 0 {
			return 0
		}
		order := compareAs(letters, a, b)
		if o.has("r") {
			order = -order
		}
		return order
	}
	r.cannotOpen = "cannot read: %s: %s"
	lines, code := r.lines(o.operands)
	if code != 0 {
		return 2
	}
	if o.has("c") {
		for i := 1; i < len(lines); i++ {
			if compare(lines[i-1], lines[i]) > 0 {
				return r.fail(1, "%s:%d: disorder: %s", "-", i+1, lines[i])
			}
		}
		return 0
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		// Asking the context leaves others their turn.
		r.ctx.Err()
		order := compare(a, b)
		if order == 0 && !o.has("s") && !o.has("u") {
			if order = cmp.Compare(a, b); o.has("r") {
				order = -order
			}
		}
		return order
	})
	if o.has("u") {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return compare(a, b) == 0 })
	}
	var out io.Writer = r.out
	if name := o.last("o"); name != "" {
		file, err := r.Create(name)
		if err != nil {
			return r.fail(2, "open failed: %s: %s", name, reason(err))
		}
		defer file.Close()
		out = file
	}
	for _, line := range lines {
		io.WriteString(out, line+"\n")
	}
	return 0
}
