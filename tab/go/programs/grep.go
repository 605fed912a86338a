package programs

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// matcher finds the matches of patterns in a line.
type matcher []*regexp.Regexp

// firstIn returns where the first match is, the longest of those that begin there, or nil.
func (m matcher) firstIn(text string) []int {
	var first []int
	for _, pattern := range m {
		at := pattern.FindStringIndex(text)
		if at == nil {
			continue
		}
		if first == nil || at[0] < first[0] || at[0] == first[0] && at[1] > first[1] {
			first = at
		}
	}
	return first
}

// allIn returns where the matches are that do not overlap.
func (m matcher) allIn(text string) [][]int {
	if len(m) == 1 {
		return m[0].FindAllStringIndex(text, -1)
	}
	var all [][]int
	for end := 0; end <= len(text); {
		at := m.firstIn(text[end:])
		if at == nil {
			break
		}
		all = append(all, []int{end + at[0], end + at[1]})
		end += max(at[1], at[0]+1)
	}
	return all
}

// grepOptions are the options of grep, and what follows from them.
type grepOptions struct {
	options
	patterns             matcher
	before, after, limit int
	showsNames           bool
}

// grepPatterns compiles the patterns of the command line.
func (r *run) grepPatterns(o *options) (matcher, error) {
	texts := o.values["e"]
	for _, name := range o.values["f"] {
		file, err := r.open(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %s", name, reason(err))
		}
		bytes, _ := io.ReadAll(file)
		file.Close()
		texts = append(texts, strings.TrimSuffix(string(bytes), "\n"))
	}
	if !o.has("e") && !o.has("f") {
		if len(o.operands) == 0 {
			r.misuse("no pattern")
		}
		texts, o.operands = o.operands[:1], o.operands[1:]
	}
	isFixed := o.has("F") || r.name == "fgrep"
	isExtended := o.has("E") || r.name == "egrep" || isFixed
	var patterns matcher
	for _, text := range strings.Split(strings.Join(texts, "\n"), "\n") {
		if isFixed {
			text = regexp.QuoteMeta(text)
		}
		if o.has("P") {
			text = `(?:` + text + `)`
		} else {
			text = translateRegex(text, isExtended)
		}
		if o.has("w") {
			text = `\b(?:` + text + `)\b`
		}
		if o.has("x") {
			text = `^(?:` + text + `)$`
		}
		if o.has("i") || o.has("y") {
			text = "(?i)" + text
		}
		pattern, err := regexp.Compile(text)
		if err != nil {
			return nil, err
		}
		if !o.has("P") {
			pattern.Longest()
		}
		patterns = append(patterns, pattern)
	}
	return patterns, nil
}

// grep writes lines that match; its exit code is 1 if none does.
func grep(r *run) int {
	for i, word := range r.Args {
		if i > 0 && countOption.MatchString(word) && word[0] == '-' &&
			!strings.HasSuffix(r.Args[i-1], "A") && !strings.HasSuffix(r.Args[i-1], "B") {
			r.Args = append([]string{}, r.Args...)
			r.Args[i] = "-C" + word[1:]
		}
	}
	g := grepOptions{options: r.options(
		"E,extended-regexp F,fixed-strings G,basic-regexp P,perl-regexp e,regexp= f,file= " +
			"i,ignore-case y v,invert-match w,word-regexp x,line-regexp c,count o,only-matching " +
			"q,quiet ,silent s,no-messages n,line-number H,with-filename h,no-filename " +
			"l,files-with-matches L,files-without-match m,max-count= A,after-context= " +
			"B,before-context= C,context= r,recursive R a,text ,line-buffered ,color= ,colour=")}
	var err error
	if g.patterns, err = r.grepPatterns(&g.options); err != nil {
		return r.fail(2, "%s", err)
	}
	number := func(name string) int {
		value := g.last(name)
		if value == "" {
			value = g.last("C")
		}
		count, err := strconv.Atoi(value)
		if err != nil && value != "" {
			r.fail(2, "%s: invalid context length argument", value)
			panic(exit{})
		}
		return count
	}
	g.before, g.after, g.limit = number("B"), number("A"), -1
	if g.has("m") {
		g.limit, _ = strconv.Atoi(g.last("m"))
	}
	if g.has("silent") {
		g.values["q"] = []string{""}
	}
	names, code := g.operands, 0
	isRecursive := g.has("r") || g.has("R")
	if isRecursive {
		if len(names) == 0 {
			names = r.filesBelow([]string{"."})
			for i, name := range names {
				names[i] = strings.TrimPrefix(name, "./")
			}
		} else {
			names = r.filesBelow(names)
		}
	}
	g.showsNames = (len(names) > 1 || isRecursive || g.has("H")) && !g.has("h")
	hasMatch := false
	if len(names) == 0 {
		names = []string{"-"}
	}
	for _, name := range names {
		file, err := r.open(name)
		if err == nil {
			var matches bool
			matches, err = r.grepFile(&g, name, file)
			file.Close()
			if hasMatch = hasMatch || matches; hasMatch && g.has("q") {
				return 0
			}
		}
		if r.ctx.Err() != nil {
			return 2
		}
		if err != nil {
			code = 2
			if !g.has("s") {
				r.fail(2, "%s: %s", name, reason(err))
			}
		}
	}
	if code == 0 && !hasMatch {
		return 1
	}
	return code
}

// filesBelow returns the files in directories, and those that are none.
func (r *run) filesBelow(names []string) []string {
	var files []string
	for _, name := range names {
		entries, err := r.ReadDir(name)
		if err != nil || name == "-" {
			files = append(files, name)
			continue
		}
		for _, entry := range entries {
			below := strings.TrimSuffix(name, "/") + "/" + entry.Name()
			info, err := r.Lstat(below)
			if err == nil && (info.IsDir() || info.Mode().IsRegular()) {
				files = append(files, r.filesBelow([]string{below})...)
			}
		}
	}
	return files
}

// grepFile writes the matches in one file.
func (r *run) grepFile(g *grepOptions, name string, in io.Reader) (bool, error) {
	if name == "-" {
		name = "(standard input)"
	}
	count, number, shown, wanted := 0, 0, 0, 0
	var before []string
	show := func(sign string, number int, text string) {
		if g.showsNames {
			r.printf("%s%s", name, sign)
		}
		if g.has("n") {
			r.printf("%d%s", number, sign)
		}
		r.print(text)
	}
	isSilent := g.has("q") || g.has("c") || g.has("l") || g.has("L")
	err := r.eachLine(in, func(line string) error {
		number++
		matches := g.patterns.firstIn(line) != nil
		if matches == g.has("v") || g.limit >= 0 && count >= g.limit {
			if wanted > 0 && !isSilent {
				wanted--
				shown = number
				show("-", number, line)
			} else if g.before > 0 {
				if before = append(before, line); len(before) > g.before {
					before = before[1:]
				}
			}
			if g.limit >= 0 && count >= g.limit && wanted == 0 {
				return errStop
			}
			return nil
		}
		count++
		switch {
		case g.has("q") || g.has("l"):
			return errStop
		case isSilent:
		case g.has("o"):
			if g.has("v") {
				break
			}
			for _, at := range g.patterns.allIn(line) {
				if at[1] > at[0] {
					show(":", number, line[at[0]:at[1]])
				}
			}
		default:
			first := number - len(before)
			if (g.before > 0 || g.after > 0) && shown > 0 && first > shown+1 {
				r.print("--")
			}
			for i, text := range before {
				show("-", first+i, text)
			}
			show(":", number, line)
			before, shown, wanted = nil, number, g.after
		}
		if g.limit >= 0 && count >= g.limit && wanted == 0 {
			return errStop
		}
		return nil
	})
	switch {
	case g.has("q"):
	case g.has("c"):
		if g.showsNames {
			r.printf("%s:", name)
		}
		r.print(count)
	case g.has("l") && count > 0, g.has("L") && count == 0:
		r.print(name)
	}
	return count > 0, err
}
